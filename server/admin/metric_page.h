#pragma once

#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include "absl/types/span.h"
#include "common/histogram.h"
#include "storage/count_histogram.h"

namespace halflife {

// Builds metric families one after another: (Counter | Gauge | Histograms) Add*. Knows types and
// shapes, no names.
class MetricPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  MetricPage& Counter(std::string name, std::string help);
  MetricPage& Gauge(std::string name, std::string help);
  MetricPage& Histograms(std::string name, std::string help);

  // One sample of the family begun last. The family's type says which of the two fits.
  MetricPage& Add(double value, const Labels& labels = {});
  // `per_second`: how many units of the snapshot make a second. Bounds are in seconds. A bucket of
  // the snapshot that straddles a bound counts above it, so a value may appear up to 12.5 % larger
  // than it is.
  MetricPage& Add(const Histogram::Snapshot& snapshot, double per_second,
                  absl::Span<const double> bounds_s, const Labels& labels);

  // Whole numbers; the bounds are the snapshot's own and exact.
  MetricPage& Add(const CountHistogram::Snapshot& snapshot, const Labels& labels);

  std::vector<prometheus::MetricFamily> Take() { return std::move(families_); }

 private:
  MetricPage& Begin(prometheus::MetricType type, std::string name, std::string help);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace halflife
