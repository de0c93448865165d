#include "storage/tiers/ssd_context.h"

#include <algorithm>

namespace halflife {

InlineSpace::Use SsdContext::InlineUse() const {
  InlineSpace::Use sum;
  sum.entry_charge_bytes = slots.stats().entry_charge_bytes;
  for (const std::unique_ptr<SsdPartition>& partition : partitions) {
    const SsdPartition::Use use = partition->use();
    const int64_t live = use.contents->inline_charge_bytes.load(std::memory_order_relaxed);
    sum.live_charge_bytes += static_cast<uint64_t>(std::max<int64_t>(0, live));
    if (use.index != nullptr) sum.table_bytes += use.index->table_bytes();
  }
  return sum;
}

}  // namespace halflife
