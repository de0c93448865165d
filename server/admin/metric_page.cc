#include "server/admin/metric_page.h"

#include "common/check.h"

namespace halflife {
namespace {

prometheus::ClientMetric Labelled(const MetricPage::Labels& labels) {
  prometheus::ClientMetric metric;
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

}  // namespace

MetricPage& MetricPage::Counter(std::string name, std::string help) {
  return Begin(prometheus::MetricType::Counter, std::move(name), std::move(help));
}

MetricPage& MetricPage::Gauge(std::string name, std::string help) {
  return Begin(prometheus::MetricType::Gauge, std::move(name), std::move(help));
}

MetricPage& MetricPage::Histograms(std::string name, std::string help) {
  return Begin(prometheus::MetricType::Histogram, std::move(name), std::move(help));
}

MetricPage& MetricPage::Begin(prometheus::MetricType type, std::string name, std::string help) {
  prometheus::MetricFamily family;
  family.name = std::move(name);
  family.help = std::move(help);
  family.type = type;
  families_.push_back(std::move(family));
  return *this;
}

MetricPage& MetricPage::Add(double value, const Labels& labels) {
  HL_CHECK(!families_.empty());
  prometheus::ClientMetric metric = Labelled(labels);
  if (families_.back().type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  families_.back().metric.push_back(std::move(metric));
  return *this;
}

MetricPage& MetricPage::Add(const Histogram::Snapshot& snapshot, double per_second,
                            absl::Span<const double> bounds_s, const Labels& labels) {
  HL_CHECK(!families_.empty());
  prometheus::ClientMetric metric = Labelled(labels);
  metric.histogram.sample_count = snapshot.count;
  metric.histogram.sample_sum = snapshot.sum / per_second;
  for (const double bound : bounds_s) {
    const uint64_t count = snapshot.counts.empty() ? 0 : snapshot.CountAtMost(bound * per_second);
    metric.histogram.bucket.push_back({count, bound});
  }
  families_.back().metric.push_back(std::move(metric));
  return *this;
}

MetricPage& MetricPage::Add(const CountHistogram::Snapshot& snapshot, const Labels& labels) {
  HL_CHECK(!families_.empty());
  prometheus::ClientMetric metric = Labelled(labels);
  uint64_t count = 0;
  for (int bucket = 0; bucket < CountHistogram::kBounds; ++bucket) {
    count += snapshot.counts[bucket];
    metric.histogram.bucket.push_back(
        {count, static_cast<double>(CountHistogram::UpperBound(bucket))});
  }
  metric.histogram.sample_count = count + snapshot.counts[CountHistogram::kBounds];
  metric.histogram.sample_sum = static_cast<double>(snapshot.sum);
  families_.back().metric.push_back(std::move(metric));
  return *this;
}

}  // namespace halflife
