#pragma once

#include <string>
#include <vector>

#include <prometheus/collectable.h>

#include "server/admin/node_facts.h"

namespace halflife {

// Every metric of the daemon, from one snapshot of its facts. The only file that knows metric
// names. Nothing is counted here: classes count for themselves and the hot path never meets
// Prometheus. Thread-safe.
class MetricsExporter final : public prometheus::Collectable {
 public:
  explicit MetricsExporter(CollectNodeFacts collect) : collect_(std::move(collect)) {}

  std::vector<prometheus::MetricFamily> Collect() const override;

  // The page for /metrics, in Prometheus' text format 0.0.4.
  std::string Text() const;

 private:
  const CollectNodeFacts collect_;
};

}  // namespace halflife
