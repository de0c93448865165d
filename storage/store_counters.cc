#include "storage/store_counters.h"

#include <algorithm>

namespace halflife {
namespace {

constexpr int64_t kMsNs = 1000 * 1000;

uint64_t MillisBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<uint64_t>(std::max<int64_t>(0, to_ns - from_ns) / kMsNs);
}

uint64_t Load(const Counter& counter) { return counter.load(std::memory_order_relaxed); }

template <typename To, typename From>
void LoadAll(To& to, const From& from) {
  for (size_t i = 0; i < from.size(); ++i) to[i] = Load(from[i]);
}

}  // namespace

void StoreCounters::RecordEnd(const IndexedBlock& block, int64_t now_ns, bool evicted) {
  PerCategory& category = categories[block.facts.category];
  category.lifespan_ms.Record(MillisBetween(block.born_ns, block.facts.last_touch_ns));
  if (evicted) {
    category.idle_before_evict_ms.Record(MillisBetween(block.facts.last_touch_ns, now_ns));
  }
}

void StoreCounters::CopyTo(StoreStats* stats,
                           const std::vector<std::string>& category_names) const {
  for (int tier = 0; tier < kTierCount; ++tier) {
    LoadAll(stats->evicted_blocks[tier], evicted_blocks[tier]);
    LoadAll(stats->evicted_bytes[tier], evicted_bytes[tier]);
  }
  stats->demoted_blocks = Load(demoted_blocks);
  stats->demoted_bytes = Load(demoted_bytes);
  stats->demotions_refused = Load(demotions_refused);
  stats->promoted_blocks = Load(promoted_blocks);
  stats->promoted_bytes = Load(promoted_bytes);
  for (size_t i = 0; i < category_names.size(); ++i) {
    const PerCategory& from = categories[i];
    CategoryStats to;
    to.name = category_names[i];
    to.lookups_full = Load(from.lookups_full);
    to.lookups_partial = Load(from.lookups_partial);
    to.lookups_miss = Load(from.lookups_miss);
    LoadAll(to.lookup_blocks_hit, from.lookup_blocks_hit);
    LoadAll(to.lookup_blocks_missed, from.lookup_blocks_missed);
    LoadAll(to.get_blocks, from.get_blocks);
    to.get_bytes = Load(from.get_bytes);
    LoadAll(to.put_blocks, from.put_blocks);
    to.put_bytes = Load(from.put_bytes);
    to.lifespan_ms = from.lifespan_ms.snapshot();
    to.reuse_gap_ms = from.reuse_gap_ms.snapshot();
    to.idle_before_evict_ms = from.idle_before_evict_ms.snapshot();
    stats->categories.push_back(std::move(to));
  }
}

}  // namespace halflife
