#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/histogram.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// Counters of one category since start. Indexes: tier 0 = dram, 1 = ssd; reasons as the enums of
// block_store.h.
struct CategoryStats {
  std::string name;
  uint64_t lookups_full = 0, lookups_partial = 0, lookups_miss = 0;
  // Hits are blocks of the usable prefix, by tier. All behind its end are missed, for the
  // MissReason of the first of them, also those that are resident: nobody can use them. The sum
  // over both = blocks asked for.
  std::array<uint64_t, 2> lookup_blocks_hit{};
  std::array<uint64_t, 16> lookup_blocks_missed{};
  std::array<uint64_t, 2> get_blocks{};  // by tier the bytes came from
  uint64_t get_bytes = 0;
  std::array<uint64_t, 8> put_blocks{};  // by PutOutcome
  uint64_t put_bytes = 0;
  std::array<uint64_t, 2> resident_blocks{};  // by tier
  Histogram::Snapshot lifespan_ms;            // birth to last touch, at removal from the node
  Histogram::Snapshot reuse_gap_ms;           // between touches
  Histogram::Snapshot idle_before_evict_ms;
};

enum class EvictReason : uint8_t { kCapacity = 0, kDeleted, kCorrupt, kUnreachable };
inline constexpr int kEvictReasonCount = 4;
inline constexpr const char* kEvictReasonNames[kEvictReasonCount] = {"capacity", "deleted",
                                                                     "corrupt", "unreachable"};

struct StoreStats {
  DramArena::Stats dram;
  SsdTier::Stats ssd;
  bool has_ssd = false;
  std::array<uint64_t, 2> resident_blocks{};  // by tier; a block in both counts in both
  std::array<uint64_t, 2> resident_bytes{};   // payload
  // [tier][reason]: blocks that left a tier. A demotion is a DRAM eviction whose bytes are on SSD.
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_blocks{};
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_bytes{};
  uint64_t demoted_blocks = 0, demoted_bytes = 0;
  uint64_t demotions_refused = 0;  // not admitted, or SSD not writable
  uint64_t promoted_blocks = 0, promoted_bytes = 0;
  uint64_t leases = 0, leased_bytes = 0, leases_expired = 0;
  uint64_t put_buffer_bytes = 0;  // in unsealed buffers now
  uint64_t touch_events_dropped = 0;
  uint64_t index_entries = 0;
  std::vector<CategoryStats> categories;
};

}  // namespace halflife
