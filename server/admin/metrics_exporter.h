#pragma once

#include <string>
#include <vector>

#include <prometheus/collectable.h>

#include "server/admin/category_fold.h"
#include "server/admin/node_facts.h"

namespace halflife {

// Every metric of the daemon, from one snapshot of its facts. Only this file and
// residency_metrics.cc know names of metrics. At most 16 categories and "other". Nothing is counted
// here: classes count for themselves and the hot path never meets Prometheus. Thread-safe.
class MetricsExporter final : public prometheus::Collectable {
 public:
  explicit MetricsExporter(CollectNodeFacts collect) : collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

  // The page for /metrics, in Prometheus' text format 0.0.4.
  std::string Text() const;

 private:
  const CollectNodeFacts collect_;
  mutable CategoryFold fold_;
};

}  // namespace halflife
