#pragma once

#include "server/admin/metric_page.h"
#include "storage/store_stats.h"

namespace halflife {

// What namespaces hold of their floors and ceilings (halflife_namespace_limit_...): one series for
// each limit, however many namespaces are under it.
void AddNamespaceLimits(const StoreStats& store, MetricPage& page);

}  // namespace halflife
