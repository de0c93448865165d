#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "storage/index/prefix_table.h"
#include "storage/index/record_pool.h"
#include "storage/residency/limit_book.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// Gives up what was used longest ago. Per tier and category one queue in last-touch order, the tail
// of a chain in front of its head; a decision compares the heads of the queues: O(categories), no
// list over all blocks.
//
// A block may go only if no child would be left behind: none in the same tier, and for a block that
// is on SSD only none in DRAM either. Such a block *parks* when it reaches the head of its queue
// and comes back to the head when its last child is gone, so that each block is looked at twice at
// most.
//
// On SSD, blocks that are in DRAM as well stand in queues of their own and go only when nothing
// else may: those in the other queues left DRAM earlier, in last-touch order.
//
// Queues of DRAM are apart by limit of namespaces, too: what would take a limit below its floor is
// passed over.
//
// Writes everything that leaves DRAM to SSD. A node costs 64 bytes plus about 8 for its place in
// the set.
class RecencyPolicy final : public ResidencyPolicy {
 public:
  // Borrows the ledger, which may be null: no limits of namespaces.
  explicit RecencyPolicy(const NamespaceLedger* ledger = nullptr);

  void OnInsert(Tier tier, const BlockFacts& block) override;
  void OnTouch(const TouchedChain& chain) override;
  void OnRemove(Tier tier, const BlockKey& key) override;
  std::optional<BlockKey> NextVictim(Tier tier, int64_t now_ns) override;
  std::optional<BlockKey> NextVictimUnder(uint16_t limit, int64_t now_ns) override;
  void Skip(Tier tier, const BlockKey& key) override;
  void ClearSkips() override;
  bool AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) override;

  ModelReport Report(int64_t now_ns) const override;  // the memory alone
  // Heap bytes of nodes and the set, for the memory budget.
  size_t memory_bytes() const;

 private:
  // Where a node stands within a tier.
  enum class Place : uint8_t {
    kAbsent = 0,  // not in this tier
    kQueued,      // in the queue of its category
    kShared,      // SSD: in the queue of those that are in DRAM as well
    kSkipped,     // passed over until it is touched or the skips are cleared
    kParked,      // has children, in no list
  };
  // A tracked block, or a block that is in no tier but is the parent of one that is.
  struct Node {
    Digest128 block{};
    int64_t last_touch_ns = 0;
    uint32_t parent = 0;
    uint32_t depth = 0;  // constant, and above the parent's: links cannot form a ring
    std::array<uint32_t, kTierCount> prev{};
    std::array<uint32_t, kTierCount> next{};
    std::array<uint32_t, kTierCount> children{};  // of those in that tier
    uint16_t prefix = 0;
    Category category = kUnknownCategory;
    std::array<Place, kTierCount> place{};
  };
  struct List {
    uint32_t front = 0;
    uint32_t back = 0;
  };
  using ByCategory = std::array<List, kMaxCategories>;
  struct Hash {
    using is_transparent = void;
    const RecordPool<Node>* nodes;
    size_t operator()(const BlockKey& key) const { return BlockKeyHash()(key); }
    size_t operator()(uint32_t n) const { return BlockKeyHash()(BlockKey{{}, (*nodes)[n].block}); }
  };
  struct Equal {
    using is_transparent = void;
    const RecordPool<Node>* nodes;
    const PrefixTable* prefixes;
    bool operator()(uint32_t a, uint32_t b) const { return a == b; }
    bool operator()(uint32_t n, const BlockKey& key) const {
      return (*nodes)[n].block == key.block && (*prefixes)[(*nodes)[n].prefix] == key.ns;
    }
    bool operator()(const BlockKey& key, uint32_t n) const { return (*this)(n, key); }
  };

  uint32_t Find(const BlockKey& key) const;
  uint32_t FindOrAdd(const BlockKey& key, uint32_t depth);
  void LinkToParent(uint32_t n, const BlockKey& parent_key);
  void FreeIfUnused(uint32_t n);
  bool InTier(Tier tier, uint32_t n) const;
  bool HasChildThatNeedsIt(Tier tier, uint32_t n) const;

  List& ListOf(Tier tier, Place place, uint32_t n);
  // The list it belongs to now: kQueued or kShared.
  Place QueueOf(Tier tier, uint32_t n) const;
  void LinkBefore(Tier tier, uint32_t n, uint32_t next, Place place);  // next = 0: at the back
  void PushFront(Tier tier, uint32_t n, Place place);
  void PushBack(Tier tier, uint32_t n, Place place) { LinkBefore(tier, n, 0, place); }
  void Unlink(Tier tier, uint32_t n);

  void LinkNew(Tier tier, uint32_t n);
  void Warm(uint32_t n, int64_t now_ns, Category category);
  void WarmAncestors(uint32_t n);
  void Unpark(uint32_t n);
  uint32_t FrontThatMayGo(Tier tier, List& list);
  uint32_t ColdestOf(Tier tier, ByCategory& lists);
  uint32_t ColdestInDram();
  std::optional<BlockKey> KeyOf(uint32_t n) const;

  RecordPool<Node> nodes_;
  PrefixTable prefixes_;
  absl::flat_hash_set<uint32_t, Hash, Equal> by_key_;
  LimitBook limits_;
  std::vector<ByCategory> dram_queues_;  // by limit
  ByCategory ssd_queues_{};
  ByCategory shared_queues_{};  // SSD
  std::array<List, kTierCount> skipped_{};
};

}  // namespace halflife
