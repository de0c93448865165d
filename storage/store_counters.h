#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "common/histogram.h"
#include "storage/block_store.h"
#include "storage/index/block_index.h"

namespace halflife {

using Counter = std::atomic<uint64_t>;

// What a store counts since start: relaxed atomics, added to once per request or per step.
// Thread-safe.
struct StoreCounters {
  struct PerCategory {
    Counter lookups_full{0}, lookups_partial{0}, lookups_miss{0};
    std::array<Counter, kTierCount> lookup_blocks_hit{};
    std::array<Counter, 16> lookup_blocks_missed{};
    std::array<Counter, kTierCount> get_blocks{};
    Counter get_bytes{0};
    std::array<Counter, 8> put_blocks{};
    Counter put_bytes{0};
    Histogram lifespan_ms;
    Histogram reuse_gap_ms;
    Histogram idle_before_evict_ms;
  };

  std::array<PerCategory, kMaxCategories> categories{};
  std::array<std::array<Counter, kEvictReasonCount>, kTierCount> evicted_blocks{};
  std::array<std::array<Counter, kEvictReasonCount>, kTierCount> evicted_bytes{};
  Counter demoted_blocks{0}, demoted_bytes{0};
  Counter demotions_refused{0};
  Counter promoted_blocks{0}, promoted_bytes{0};

  static void Add(Counter& counter, uint64_t amount = 1) {
    counter.fetch_add(amount, std::memory_order_relaxed);
  }

  void CountEvicted(Tier tier, EvictReason reason, uint64_t bytes) {
    Add(evicted_blocks[static_cast<int>(tier)][static_cast<int>(reason)]);
    Add(evicted_bytes[static_cast<int>(tier)][static_cast<int>(reason)], bytes);
  }

  // A block left the node.
  void RecordEnd(const IndexedBlock& block, int64_t now_ns, bool evicted);

  void CopyTo(StoreStats* stats, const std::vector<std::string>& category_names) const;
};

}  // namespace halflife
