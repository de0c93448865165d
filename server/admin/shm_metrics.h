#pragma once

#include "server/admin/metric_page.h"
#include "server/admin/node_facts.h"

namespace halflife {

// The part of the metrics page that tells of shared memory: sessions, leases, calls.
void AddSharedMemory(const NodeFacts& facts, MetricPage& page);

}  // namespace halflife
