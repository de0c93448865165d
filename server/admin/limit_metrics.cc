#include "server/admin/limit_metrics.h"

#include "server/admin/metric_words.h"

namespace halflife {

void AddNamespaceLimits(const StoreStats& store, MetricPage& page) {
  if (store.namespace_limits.empty()) return;
  page.Gauge("halflife_namespace_limit_used_bytes",
             "Payload bytes in DRAM of the namespaces under a limit.");
  for (const NamespaceLimitStats& limit : store.namespace_limits) {
    page.Add(D(limit.used_bytes), {{"limit", limit.name}});
  }
  page.Gauge("halflife_namespace_limit_min_bytes", "Their floor, where there is one.");
  for (const NamespaceLimitStats& limit : store.namespace_limits) {
    if (limit.min_bytes > 0) page.Add(D(limit.min_bytes), {{"limit", limit.name}});
  }
  page.Gauge("halflife_namespace_limit_max_bytes", "Their ceiling, where there is one.");
  for (const NamespaceLimitStats& limit : store.namespace_limits) {
    if (limit.max_bytes > 0) page.Add(D(limit.max_bytes), {{"limit", limit.name}});
  }
}

}  // namespace halflife
