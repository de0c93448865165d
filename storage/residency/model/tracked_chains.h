#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/prefetch.h"
#include "storage/index/number_table.h"
#include "storage/index/prefix_table.h"
#include "storage/index/record_pool.h"
#include "storage/index/side_records.h"
#include "storage/residency/limit_book.h"
#include "storage/residency/model/hint_mark.h"
#include "storage/residency/model/ranked_queues.h"
#include "storage/residency/model/reuse_features.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// What a policy remembers of a block, in a tier or not (a ghost): 52 bytes.
struct TrackedBlock {
  // Chains do not get that long: 16 million tokens in blocks of 16.
  static constexpr uint32_t kMaxDepth = (uint32_t{1} << 20) - 1;
  static constexpr uint32_t kMaxCohort = (uint32_t{1} << 18) - 1;

  Digest128 block{};
  uint32_t parent = 0;  // 0 = none known; only of a block in a tier
  float mean_gap_s = 0;
  QueueLink link;       // of those in DRAM, or of ghosts
  uint16_t prefix = 0;  // number of its namespace
  HintMark hint;        // until it is touched next

  int64_t last_touch_ns() const {
    return (int64_t{static_cast<int16_t>(touch_steps_high)} << 32 | touch_steps_low) * kTouchStepNs;
  }
  void set_last_touch_ns(int64_t at_ns) {
    const int64_t steps = at_ns / kTouchStepNs;
    touch_steps_low = static_cast<uint32_t>(steps);
    touch_steps_high = static_cast<uint16_t>(steps >> 32);
  }
  // Seconds since then.
  double IdleS(int64_t at_ns) const {
    return static_cast<double>(std::max<int64_t>(at_ns - last_touch_ns(), 0)) / 1e9;
  }

  // 73 years in 48 bits.
  static constexpr int64_t kTouchStepNs = 1 << 14;

  uint32_t touch_steps_low = 0;
  uint32_t touch_steps_high : 16 = 0;
  uint32_t touches : 8 = 0;   // saturates
  uint32_t children : 8 = 0;  // of those in DRAM; TrackedChains::kManyChildren = it knows how many
  uint32_t cohort : 18 = 0;   // of its open idle interval
  uint32_t category : 6 = 0;
  uint32_t named : 1 = 0;       // by the request that is being learnt from
  uint32_t dram_place : 3 = 0;  // TrackedChains::Place
  uint32_t ssd_place : 3 = 0;
  uint32_t depth : 20 = 0;  // above the parent's: links cannot form a ring
  uint32_t group : 6 = 0;   // HistoryGroupOf
  uint32_t level : 6 = 0;   // LevelOfMultiplier, of the request that touched it last
};
static_assert(sizeof(TrackedBlock) == 52);
static_assert(kHistoryGroups <= 1 << 6 && kMultiplierLevels <= 1 << 6 && kMaxCategories <= 1 << 6);

// In which order a policy gives blocks up. Pure.
class RetentionOrder {
 public:
  virtual ~RetentionOrder() = default;
  // Blocks of one queue go in last-touch order. Below the number of queues. What it looks at
  // changes only between Unqueue and Requeue, and of blocks that are in no tier.
  virtual int QueueOf(const TrackedBlock& block) const = 0;
  virtual RetentionRank RankOf(Tier tier, const TrackedBlock& block, int64_t at_ns) const = 0;
};

// The blocks of two tiers, their chains, and the next block to go under a RetentionOrder; and
// ghosts: blocks that were named or evicted, of which only the history is kept.
//
// A block may go only if no child would be left behind: none in the same tier, and for a block that
// is on SSD only none in DRAM either. Such a block *parks* when it reaches the front of its queue
// and comes back to the front when its last child is gone. On SSD, blocks that are in DRAM as well
// go only when nothing else may, unless the owner asks for them.
//
// Queues of DRAM are apart by limit of namespaces: what would take a limit below its floor is
// passed over, and the lowest of each are compared. Without limits there is one set.
//
// A block costs 52 bytes, 12 more where an SSD tier is used, and 8 for its place in the table.
// Ghosts are as many as blocks in tiers, but `min_ghosts` may always be. Not thread-safe. Borrows
// `order` and `ledger`, which may be null: no limits.
class TrackedChains {
 public:
  static constexpr size_t kMinGhosts = size_t{1} << 18;  // 16 MB

  TrackedChains(const RetentionOrder* order, int queues, size_t min_ghosts = kMinGhosts,
                const NamespaceLedger* ledger = nullptr);
  TrackedChains(const TrackedChains&) = delete;
  TrackedChains& operator=(const TrackedChains&) = delete;

  // --- Blocks by number; 0 = none
  uint32_t Find(const BlockKey& key) const;
  // Many blocks cost as many misses of the processor's caches, unless they are announced: these
  // begin to fetch what Find and FindOrAdd will need. In this order, and each some look-ups ahead
  // of the next, as it needs what the one before fetched.
  void PrefetchPlace(const BlockKey& key) const { by_key_.Prefetch(key.Head()); }
  void PrefetchBlock(const BlockKey& key) const {
    if (const uint32_t n = by_key_.Guess(key.Head())) PrefetchRecord(n);
  }
  // What Unqueue will need.
  void PrefetchNeighbours(uint32_t n) const;
  // As a ghost, if it is not known.
  uint32_t FindOrAdd(const BlockKey& key, uint32_t depth);
  TrackedBlock& operator[](uint32_t n) { return blocks_[n]; }
  const TrackedBlock& operator[](uint32_t n) const { return blocks_[n]; }
  BlockKey KeyOf(uint32_t n) const { return {prefixes_[blocks_[n].prefix], blocks_[n].block}; }
  bool InTier(Tier tier, uint32_t n) const {
    return place(tier, n) != kAbsent && place(tier, n) != kGhost;
  }
  bool InAnyTier(uint32_t n) const { return InTier(Tier::kDram, n) || InTier(Tier::kSsd, n); }
  size_t BlocksIn(Tier tier) const { return in_tier_[static_cast<int>(tier)]; }

  // --- Facts
  // `n` is FindOrAdd(facts.key).
  void Insert(Tier tier, uint32_t n, const BlockFacts& facts);
  void Remove(Tier tier, const BlockKey& key);
  // Around a change of what QueueOf looks at: out of its queues, and behind all others again.
  void Unqueue(uint32_t n);
  void Requeue(uint32_t n);
  // Blocks of this queue have lost their hint: each goes to the front of where it belongs now.
  void EndHints(int queue);

  // --- Decisions
  // The block to give up next, 0 = none.
  uint32_t Lowest(Tier tier, int64_t now_ns);
  // In DRAM, of one limit, whatever its floor.
  uint32_t LowestUnder(uint16_t limit, int64_t now_ns);
  bool IsBelowFloor(uint32_t n) const { return limits_.IsBelowFloor(blocks_[n].prefix); }
  // The front of the queue that a block, which need not be in DRAM, has there; 0 = it is empty, or
  // held by a floor.
  uint32_t FrontOfQueueOf(uint32_t n) const {
    const uint32_t front = DramQueuesOf(n).front(order_->QueueOf(blocks_[n]));
    return front != 0 && limits_.MayGo(blocks_[front].prefix) ? front : 0;
  }
  // The next to go of every queue.
  std::vector<uint32_t> Fronts(Tier tier) const;
  uint32_t ChildrenOf(Tier tier, uint32_t n) const { return Children(tier, n); }
  bool HasChildren(Tier tier, uint32_t n) const {
    return tier == Tier::kDram ? blocks_[n].children > 0 : on_ssd_.Get(n).children > 0;
  }
  // More than one block in some tier continues it: several chains share it.
  bool IsFork(uint32_t n) const {
    return Children(Tier::kDram, n) > 1 || Children(Tier::kSsd, n) > 1;
  }
  // Of those on SSD alone, and of those that are in DRAM as well.
  uint32_t LowestOnSsdAlone(int64_t now_ns) { return ssd_queues_.Lowest(now_ns); }
  uint32_t LowestInBoth(int64_t now_ns) { return shared_queues_.Lowest(now_ns); }
  void Skip(Tier tier, const BlockKey& key);
  void ClearSkips();
  void RanksChanged();

  // The oldest ghost if there are too many of them, else 0. Its owner lets go of it and calls
  // Forget.
  uint32_t GhostToForget();
  void Forget(uint32_t n);
  size_t ghosts() const { return ghosts_; }
  size_t memory_bytes() const;

 private:
  // Where a block stands within a tier. Ghosts stand in a list of their own, as kGhost in DRAM.
  enum Place : uint8_t {
    kAbsent = 0,
    kQueued,   // in its queue
    kShared,   // SSD: in the queue of those that are in DRAM as well
    kSkipped,  // passed over until it is touched or the skips are cleared
    kParked,   // has children, in no list
    kGhost,
  };
  struct InOneTier {
    TrackedChains* chains;
    Tier tier;
    QueueLink& link(uint32_t n) {
      return tier == Tier::kDram ? chains->blocks_[n].link : chains->on_ssd_[n].link;
    }
    RetentionRank RankOf(uint32_t n, int64_t at_ns) const {
      return chains->order_->RankOf(tier, chains->blocks_[n], at_ns);
    }
    bool MustStay(uint32_t n) const { return chains->HasChildThatNeedsIt(tier, n); }
    void Park(uint32_t n) const { chains->SetPlace(tier, n, kParked); }
  };
  using Queues = RankedQueues<InOneTier>;
  struct OnSsd {
    QueueLink link;
    uint32_t children = 0;  // of those on SSD
  };
  // As many or more in DRAM: few blocks, the heads that conversations share.
  static constexpr uint32_t kManyChildren = 255;

  uint8_t place(Tier tier, uint32_t n) const {
    return tier == Tier::kDram ? blocks_[n].dram_place : blocks_[n].ssd_place;
  }
  void SetPlace(Tier tier, uint32_t n, uint8_t at) {
    if (tier == Tier::kDram) {
      blocks_[n].dram_place = at;
    } else {
      blocks_[n].ssd_place = at;
    }
  }
  uint32_t Children(Tier tier, uint32_t n) const;
  void AddChild(Tier tier, uint32_t n);
  void RemoveChild(Tier tier, uint32_t n);
  const Queues& DramQueuesOf(uint32_t n) const {
    return dram_queues_[limits_.LimitOf(blocks_[n].prefix)];
  }
  Queues& QueuesOf(Tier tier, uint8_t at, uint32_t n);
  Queues& Aside(Tier tier) { return tier == Tier::kDram ? dram_aside_ : ssd_aside_; }
  void EndHintsIn(Queues& queues, int queue);
  uint32_t LowestInDram(int64_t now_ns);
  void Enqueue(Tier tier, uint32_t n, uint8_t at, bool at_front);
  void Dequeue(Tier tier, uint32_t n);
  void LinkNew(Tier tier, uint32_t n);
  uint8_t PlaceOf(Tier tier, uint32_t n) const;
  bool HasChildThatNeedsIt(Tier tier, uint32_t n) const;
  void LinkToParent(uint32_t n, const BlockKey& parent_key);
  void Unpark(uint32_t n);
  bool IsParkedOnly(uint32_t n) const;
  void BecomeGhost(uint32_t n);

  // It may lie in two cache lines.
  void PrefetchRecord(uint32_t n) const {
    Prefetch(&blocks_[n]);
    Prefetch(reinterpret_cast<const char*>(&blocks_[n] + 1) - 1);
  }
  uint64_t HashOf(uint32_t n) const { return BlockKey{{}, blocks_[n].block}.Head(); }
  bool Is(uint32_t n, const BlockKey& key) const {
    return blocks_[n].block == key.block && prefixes_[blocks_[n].prefix] == key.ns;
  }

  const RetentionOrder* const order_;
  const size_t min_ghosts_;
  RecordPool<TrackedBlock> blocks_;
  SideRecords<OnSsd> on_ssd_;
  absl::flat_hash_map<uint32_t, uint32_t> many_children_;  // in DRAM, of those with kManyChildren
  PrefixTable prefixes_;
  NumberTables<> by_key_;
  uint32_t lowest_ = 0;  // what Lowest answered last: most likely to be removed next
  InOneTier dram_{this, Tier::kDram};
  InOneTier ssd_{this, Tier::kSsd};
  LimitBook limits_;
  std::vector<Queues> dram_queues_;  // by limit
  Queues ssd_queues_;
  Queues shared_queues_;  // SSD
  Queues dram_aside_;     // [0] skipped blocks, [1] ghosts
  Queues ssd_aside_;      // [0] skipped blocks
  std::array<size_t, kTierCount> in_tier_{};
  size_t ghosts_ = 0;
};

}  // namespace halflife
