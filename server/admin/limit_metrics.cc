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

void AddWriteBudget(const AdmissionStats& admission, MetricPage& page) {
  if (admission.budget_bytes_per_day == 0) return;
  page.Gauge("halflife_ssd_write_budget_bytes_per_day", "Bytes per day that the drive may see.")
      .Add(D(admission.budget_bytes_per_day));
  page.Gauge("halflife_ssd_write_budget_used_ratio",
             "Of a minute's share of the write budget, what the last minute used.")
      .Add(admission.budget_used_ratio);
  page.Gauge("halflife_ssd_write_budget_available_bytes", "Bytes that the drive may see now.")
      .Add(D(admission.available_bytes));
  page.Gauge("halflife_ssd_write_budget_used_bytes",
             "Bytes that were written under the budget within the last minute and day.")
      .Add(D(admission.minute_bytes), {{"window", "minute"}})
      .Add(D(admission.day_bytes), {{"window", "day"}});
  page.Gauge("halflife_ssd_admission_score_threshold",
             "Score above which a block is written to SSD; 0 while the budget pays for all.")
      .Add(admission.score_threshold);
  page.Gauge("halflife_ssd_write_amplification_ratio",
             "Bytes written to the drive for each payload byte, the database's included.")
      .Add(admission.write_amplification);
}

}  // namespace halflife
