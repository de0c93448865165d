#include "storage/residency/model/tracked_chains.h"

#include <algorithm>

#include "common/check.h"

namespace halflife {
namespace {

constexpr std::array<Tier, kTierCount> kTiers = {Tier::kDram, Tier::kSsd};
constexpr int kSkippedList = 0;
constexpr int kGhostList = 1;

}  // namespace

TrackedChains::TrackedChains(const RetentionOrder* order, int queues, size_t min_ghosts,
                             const NamespaceLedger* ledger)
    : order_(order),
      min_ghosts_(min_ghosts),
      limits_(ledger),
      dram_queues_(limits_.limits(), Queues(&dram_, queues)),
      ssd_queues_(&ssd_, queues),
      shared_queues_(&ssd_, queues),
      dram_aside_(&dram_, 2),
      ssd_aside_(&ssd_, 1) {}

// --- Blocks

uint32_t TrackedChains::Find(const BlockKey& key) const {
  return by_key_.Find(key.Head(), [&](uint32_t n) { return Is(n, key); });
}

uint32_t TrackedChains::FindOrAdd(const BlockKey& key, uint32_t depth) {
  if (const uint32_t n = Find(key)) return n;
  const uint32_t n = blocks_.Add();
  blocks_[n].depth = std::min(depth, TrackedBlock::kMaxDepth);
  blocks_[n].block = key.block;
  blocks_[n].prefix = prefixes_.Acquire(key.ns);
  limits_.Named(blocks_[n].prefix, key.ns);
  by_key_.Insert(key.Head(), n);
  BecomeGhost(n);
  return n;
}

void TrackedChains::PrefetchNeighbours(uint32_t n) const {
  const QueueLink& link = blocks_[n].link;
  PrefetchRecord(link.prev);
  PrefetchRecord(link.next);
  if (place(Tier::kSsd, n) != kAbsent) Prefetch(&on_ssd_.Get(n));
}

void TrackedChains::BecomeGhost(uint32_t n) {
  blocks_[n].parent = 0;
  blocks_[n].hint = {};
  SetPlace(Tier::kDram, n, kGhost);
  dram_aside_.PushBack(n, kGhostList);
  ++ghosts_;
}

uint32_t TrackedChains::GhostToForget() {
  const size_t allowed = std::max(min_ghosts_, in_tier_[0] + in_tier_[1]);
  // Parents of blocks in a tier are passed over: each is looked at once per turn of the list.
  for (int tries = 0; ghosts_ > allowed && tries < 4; ++tries) {
    const uint32_t n = dram_aside_.front(kGhostList);
    if (!HasChildren(Tier::kDram, n) && !HasChildren(Tier::kSsd, n)) return n;
    dram_aside_.Remove(n, kGhostList);
    dram_aside_.PushBack(n, kGhostList);
  }
  return 0;
}

void TrackedChains::Forget(uint32_t n) {
  HL_CHECK(place(Tier::kDram, n) == kGhost);
  dram_aside_.Remove(n, kGhostList);
  --ghosts_;
  by_key_.Erase(HashOf(n), n);
  prefixes_.Release(blocks_[n].prefix);
  blocks_.Free(n);
  if (lowest_ == n) lowest_ = 0;
  // The next one to be forgotten, and the one after it.
  const uint32_t next = dram_aside_.front(kGhostList);
  if (next == 0) return;
  by_key_.Prefetch(HashOf(next));
  PrefetchRecord(blocks_[next].link.next);
}

// --- Facts

void TrackedChains::Insert(Tier tier, uint32_t n, const BlockFacts& facts) {
  if (InTier(tier, n)) return;
  if (!InAnyTier(n)) {
    dram_aside_.Remove(n, kGhostList);
    SetPlace(Tier::kDram, n, kAbsent);
    --ghosts_;
    if (facts.parent != BlockKey{}) LinkToParent(n, facts.parent);
  }
  ++in_tier_[static_cast<int>(tier)];
  if (tier == Tier::kDram) limits_.Inserted(blocks_[n].prefix, facts.bytes);
  const uint32_t parent = blocks_[n].parent;
  if (parent != 0) AddChild(tier, parent);
  LinkNew(tier, n);
  if (tier == Tier::kDram && place(Tier::kSsd, n) == kQueued) {
    Dequeue(Tier::kSsd, n);
    Enqueue(Tier::kSsd, n, kShared, false);
  }
  Unpark(n);  // in DRAM, it no longer carries the DRAM children of its SSD copy
}

void TrackedChains::LinkToParent(uint32_t n, const BlockKey& parent_key) {
  if (blocks_[n].depth == 0) return;
  const uint32_t parent = FindOrAdd(parent_key, blocks_[n].depth - 1);
  // Parents are what callers say. In a ring of them every block has a child, so none could ever go.
  if (blocks_[parent].depth < blocks_[n].depth) blocks_[n].parent = parent;
}

// Beside its parent where that is in the same queue: blocks arrive head first, and tails go first.
void TrackedChains::LinkNew(Tier tier, uint32_t n) {
  const uint8_t at = PlaceOf(tier, n);
  const uint32_t parent = blocks_[n].parent;
  const int queue = order_->QueueOf(blocks_[n]);
  const bool beside_parent = tier == Tier::kDram && parent != 0 && place(tier, parent) == at &&
                             blocks_[parent].prefix == blocks_[n].prefix &&
                             order_->QueueOf(blocks_[parent]) == queue;
  // No prefix reaches a block whose parent is nowhere: in front, or it would stay instead of
  // others.
  const bool out_of_reach = tier == Tier::kDram && parent != 0 && !InAnyTier(parent);
  if (!beside_parent) return Enqueue(tier, n, at, out_of_reach);
  SetPlace(tier, n, at);
  QueuesOf(tier, at, n).InsertBefore(n, parent, queue);
}

void TrackedChains::Remove(Tier tier, const BlockKey& key) {
  const uint32_t n = lowest_ != 0 && Is(lowest_, key) ? lowest_ : Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Dequeue(tier, n);
  SetPlace(tier, n, kAbsent);
  --in_tier_[static_cast<int>(tier)];
  if (tier == Tier::kDram) limits_.Removed(blocks_[n].prefix);
  const uint32_t parent = blocks_[n].parent;
  if (!InAnyTier(n)) {
    BecomeGhost(n);
  } else if (tier == Tier::kDram && place(Tier::kSsd, n) == kShared) {
    Dequeue(Tier::kSsd, n);
    Enqueue(Tier::kSsd, n, kQueued, false);
  }
  if (parent == 0) return;
  RemoveChild(tier, parent);
  Unpark(parent);
}

void TrackedChains::Unqueue(uint32_t n) {
  if (place(Tier::kDram, n) == kGhost) {
    dram_aside_.Remove(n, kGhostList);
    return;
  }
  for (const Tier tier : kTiers) {
    if (InTier(tier, n)) Dequeue(tier, n);
  }
}

void TrackedChains::Requeue(uint32_t n) {
  if (place(Tier::kDram, n) == kGhost) {
    dram_aside_.PushBack(n, kGhostList);
    return;
  }
  for (const Tier tier : kTiers) {
    if (InTier(tier, n)) Enqueue(tier, n, PlaceOf(tier, n), false);
  }
}

void TrackedChains::EndHints(int queue) {
  for (Queues& queues : dram_queues_) EndHintsIn(queues, queue);
  EndHintsIn(ssd_queues_, queue);
  EndHintsIn(shared_queues_, queue);
}

void TrackedChains::EndHintsIn(Queues& queues, int queue) {
  // From the last one, so that the first is in front again.
  while (const uint32_t n = queues.back(queue)) {
    // Ancestors that wait for their children are in no queue: only their mark goes.
    for (uint32_t parent = blocks_[n].parent; parent != 0 && IsParkedOnly(parent);
         parent = blocks_[parent].parent) {
      blocks_[parent].hint = {};
    }
    Unqueue(n);
    blocks_[n].hint = {};
    for (const Tier tier : kTiers) {
      if (InTier(tier, n)) Enqueue(tier, n, PlaceOf(tier, n), true);
    }
  }
}

// In no queue whose number its hint decides.
bool TrackedChains::IsParkedOnly(uint32_t n) const {
  for (const Tier tier : kTiers) {
    if (place(tier, n) == kQueued || place(tier, n) == kShared) return false;
  }
  return true;
}

// --- Decisions

uint32_t TrackedChains::LowestInDram(int64_t now_ns) {
  uint32_t lowest = 0;
  for (Queues& queues : dram_queues_) {
    const uint32_t n = queues.Lowest(now_ns);
    if (n == 0 || !limits_.MayGo(blocks_[n].prefix)) continue;
    if (lowest == 0 || dram_.RankOf(n, now_ns) < dram_.RankOf(lowest, now_ns)) lowest = n;
  }
  return lowest;
}

uint32_t TrackedChains::LowestUnder(uint16_t limit, int64_t now_ns) {
  return dram_queues_[limit].Lowest(now_ns);
}

uint32_t TrackedChains::Lowest(Tier tier, int64_t now_ns) {
  lowest_ = tier == Tier::kDram ? LowestInDram(now_ns) : ssd_queues_.Lowest(now_ns);
  if (lowest_ == 0 && tier == Tier::kSsd) lowest_ = shared_queues_.Lowest(now_ns);
  if (lowest_ != 0) {
    PrefetchNeighbours(lowest_);
    PrefetchRecord(blocks_[lowest_].parent);
  }
  return lowest_;
}

std::vector<uint32_t> TrackedChains::Fronts(Tier tier) const {
  std::vector<uint32_t> fronts;
  const auto add = [&fronts](const Queues& queues) {
    for (int queue = 0; queue < queues.count(); ++queue) {
      if (const uint32_t n = queues.front(queue)) fronts.push_back(n);
    }
  };
  if (tier == Tier::kSsd) {
    add(ssd_queues_);
  } else {
    for (const Queues& queues : dram_queues_) add(queues);
  }
  return fronts;
}

void TrackedChains::Skip(Tier tier, const BlockKey& key) {
  const uint32_t n = Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Dequeue(tier, n);
  SetPlace(tier, n, kSkipped);
  Aside(tier).PushBack(n, kSkippedList);
}

void TrackedChains::ClearSkips() {
  for (const Tier tier : kTiers) {
    // Last skipped first, so that the one to go first ends up in front again.
    while (const uint32_t n = Aside(tier).back(kSkippedList)) {
      Dequeue(tier, n);
      Enqueue(tier, n, PlaceOf(tier, n), true);
    }
  }
}

void TrackedChains::RanksChanged() {
  for (Queues& queues : dram_queues_) queues.RanksChanged();
  ssd_queues_.RanksChanged();
  shared_queues_.RanksChanged();
}

// --- Children

uint32_t TrackedChains::Children(Tier tier, uint32_t n) const {
  if (tier == Tier::kSsd) return on_ssd_.Get(n).children;
  return blocks_[n].children < kManyChildren ? blocks_[n].children : many_children_.at(n);
}

void TrackedChains::AddChild(Tier tier, uint32_t n) {
  if (tier == Tier::kSsd) {
    ++on_ssd_[n].children;
  } else if (blocks_[n].children == kManyChildren) {
    ++many_children_[n];
  } else if (++blocks_[n].children == kManyChildren) {
    many_children_[n] = kManyChildren;
  }
}

void TrackedChains::RemoveChild(Tier tier, uint32_t n) {
  HL_CHECK(HasChildren(tier, n));
  if (tier == Tier::kSsd) {
    --on_ssd_[n].children;
    return;
  }
  if (blocks_[n].children == kManyChildren) {
    const auto many = many_children_.find(n);
    if (--many->second >= kManyChildren) return;
    many_children_.erase(many);
  }
  --blocks_[n].children;
}

bool TrackedChains::HasChildThatNeedsIt(Tier tier, uint32_t n) const {
  if (HasChildren(tier, n)) return true;
  return tier == Tier::kSsd && !InTier(Tier::kDram, n) && HasChildren(Tier::kDram, n);
}

void TrackedChains::Unpark(uint32_t n) {
  for (const Tier tier : kTiers) {
    if (place(tier, n) != kParked || HasChildThatNeedsIt(tier, n)) continue;
    Enqueue(tier, n, PlaceOf(tier, n), true);
  }
}

// --- Queues

TrackedChains::Queues& TrackedChains::QueuesOf(Tier tier, uint8_t at, uint32_t n) {
  if (at == kSkipped) return Aside(tier);
  if (tier == Tier::kDram) return dram_queues_[limits_.LimitOf(blocks_[n].prefix)];
  return at == kShared ? shared_queues_ : ssd_queues_;
}

// The place it belongs to now: kQueued or kShared.
uint8_t TrackedChains::PlaceOf(Tier tier, uint32_t n) const {
  return tier == Tier::kSsd && InTier(Tier::kDram, n) ? kShared : kQueued;
}

void TrackedChains::Enqueue(Tier tier, uint32_t n, uint8_t at, bool at_front) {
  SetPlace(tier, n, at);
  const int queue = order_->QueueOf(blocks_[n]);
  Queues& queues = QueuesOf(tier, at, n);
  if (at_front) {
    queues.PushFront(n, queue);
  } else {
    queues.PushBack(n, queue);
  }
}

void TrackedChains::Dequeue(Tier tier, uint32_t n) {
  const uint8_t at = place(tier, n);
  if (at == kParked) return;
  QueuesOf(tier, at, n).Remove(n, at == kSkipped ? kSkippedList : order_->QueueOf(blocks_[n]));
}

size_t TrackedChains::memory_bytes() const {
  return sizeof *this + blocks_.memory_bytes() + on_ssd_.memory_bytes() + by_key_.memory_bytes();
}

}  // namespace halflife
