#pragma once

#include "server/admin/metric_page.h"
#include "storage/store_stats.h"

namespace halflife {

// What namespaces hold of their floors and ceilings (halflife_namespace_limit_...): one series for
// each limit, however many namespaces are under it.
void AddNamespaceLimits(const StoreStats& store, MetricPage& page);
// What writes to SSD use of their budget (halflife_ssd_write_budget_...), where there is one.
void AddWriteBudget(const AdmissionStats& admission, MetricPage& page);

}  // namespace halflife
