#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "common/histogram.h"
#include "storage/count_histogram.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// Indexes of the arrays below: tier 0 = dram, 1 = ssd; reasons and outcomes as the enums of
// block_store.h.

enum class EvictReason : uint8_t { kCapacity = 0, kDeleted, kCorrupt, kUnreachable };
inline constexpr int kEvictReasonCount = 4;
inline constexpr const char* kEvictReasonNames[kEvictReasonCount] = {"capacity", "invalidated",
                                                                     "corrupt", "unreachable"};

// Why a block that left DRAM was not written to SSD.
enum class AdmissionRefusal : uint8_t {
  kCold = 0,     // the policy says that it is not worth its bytes
  kQuota,        // the tier's quota has no room for it
  kUnavailable,  // the tier does not take writes now
  kBudget,       // the write budget goes to better ones, or is used up
};
inline constexpr int kAdmissionRefusalCount = 4;
inline constexpr const char* kAdmissionRefusalNames[kAdmissionRefusalCount] = {
    "cold", "quota", "unavailable", "write_budget"};

// What requests of one kind asked for and what became of it, since start.
struct RequestStats {
  uint64_t lookups_full = 0, lookups_partial = 0, lookups_miss = 0;
  // Hits are blocks of the usable prefix, by tier. All behind its end are missed, for the
  // MissReason of the first of them, also those that are resident: nobody can use them. The sum
  // over both = blocks asked for.
  std::array<uint64_t, 2> lookup_blocks_hit{};
  std::array<uint64_t, 16> lookup_blocks_missed{};
  std::array<uint64_t, 2> lookup_tokens_hit{};
  uint64_t lookup_tokens_missed = 0;
  std::array<uint64_t, 8> put_blocks{};  // by PutOutcome

  uint64_t lookups() const { return lookups_full + lookups_partial + lookups_miss; }
  bool any() const;
  void Add(const RequestStats& other);
};

// Of one model and one category. Only what was asked for at least once is listed.
struct ModelStats {
  std::string model_name;
  std::string category;
  RequestStats requests;
};

// Counters of one category since start.
struct CategoryStats : RequestStats {
  std::string name;
  CountHistogram::Snapshot matched_blocks;  // usable prefix of each Lookup
  std::array<uint64_t, 2> get_blocks{};     // by tier the bytes came from
  std::array<uint64_t, 2> get_bytes{};
  uint64_t put_bytes = 0;
  std::array<uint64_t, 2> resident_blocks{};  // by tier
  // [tier][reason]: blocks that left a tier. A demotion is a DRAM eviction whose bytes are on SSD.
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_blocks{};
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_bytes{};
  std::array<uint64_t, 2> evicted_unused_blocks{};  // for want of room, never used since their Put
  std::array<uint64_t, kAdmissionRefusalCount> admission_refused_blocks{};
  Histogram::Snapshot lifespan_ms;   // birth to last touch, at removal from the node
  Histogram::Snapshot reuse_gap_ms;  // between touches
  Histogram::Snapshot idle_before_evict_ms;
  Histogram::Snapshot evict_reuse_gap_ms;  // eviction from the node to the next Put of the block
  CountHistogram::Snapshot reuses;         // touches in a life, at removal from the node
};

// What the namespaces under one rule of storage.dram.namespace_limits hold in DRAM, in bytes of
// payload.
struct NamespaceLimitStats {
  std::string name;
  uint64_t used_bytes = 0;
  uint64_t min_bytes = 0;  // 0 = no floor
  uint64_t max_bytes = 0;  // 0 = no ceiling
};

// How writes to SSD stand against their budget. Bytes are those of the drive.
struct AdmissionStats {
  uint64_t budget_bytes_per_day = 0;  // 0 = no limit
  double budget_used_ratio = 0;       // of the last minute's share; above 1 where there are debts
  uint64_t available_bytes = 0;       // that may be written now; 0 for a minute after a start
  uint64_t minute_bytes = 0;          // written in the last minute
  uint64_t day_bytes = 0;             // in the last day since the start, up to 15 minutes more
  uint64_t admitted_blocks = 0;       // written since start
  uint64_t refused_blocks = 0;        // for the budget's sake, since start
  double score_threshold = 0;         // what a block must score to be written; 0 = everything is
  double write_amplification = 1;     // device bytes per payload byte, measured
};

struct StoreStats {
  DramArena::Stats dram;
  SsdTier::Stats ssd;
  bool has_ssd = false;
  std::array<uint64_t, 2> resident_blocks{};  // by tier; a block in both counts in both
  std::array<uint64_t, 2> resident_bytes{};   // payload
  // Sums over the categories.
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_blocks{};
  std::array<std::array<uint64_t, kEvictReasonCount>, 2> evicted_bytes{};
  uint64_t demoted_blocks = 0, demoted_bytes = 0;
  uint64_t demotions_refused = 0;  // not admitted, or SSD not writable
  AdmissionStats admission;
  uint64_t promoted_blocks = 0, promoted_bytes = 0;
  // Calls, by CallerHint::Kind and HintVerdict; bytes that are retained now.
  std::array<std::array<uint64_t, 4>, 4> hints{};
  uint64_t retained_bytes = 0;
  uint64_t leases = 0, leased_bytes = 0, leases_expired = 0;
  uint64_t populated_bytes = 0;  // taken from the system ahead of demand, since start
  uint64_t gathered_bytes = 0;   // in slabs whose pages were moved into huge ones, since start
  // Of the leases, those of shared-memory sessions.
  uint64_t shared_leases = 0, shared_leased_bytes = 0;
  uint64_t put_buffer_bytes = 0;  // in unsealed buffers now
  uint64_t touch_events_dropped = 0;
  uint64_t index_entries = 0;
  std::vector<NamespaceLimitStats> namespace_limits;
  std::vector<CategoryStats> categories;
  std::vector<ModelStats> models;
};

}  // namespace halflife
