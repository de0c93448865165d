#include "storage/residency/model/tracked_chains.h"

#include <algorithm>

#include "common/check.h"

namespace halflife {
namespace {

constexpr std::array<Tier, kTierCount> kTiers = {Tier::kDram, Tier::kSsd};
constexpr int kSkippedList = 0;
constexpr int kGhostList = 1;

}  // namespace

TrackedChains::TrackedChains(const RetentionOrder* order, int queues)
    : order_(order),
      by_key_(0, Hash{&blocks_}, Equal{&blocks_, &prefixes_}),
      dram_queues_(&dram_, queues),
      ssd_queues_(&ssd_, queues),
      shared_queues_(&ssd_, queues),
      dram_aside_(&dram_, 2),
      ssd_aside_(&ssd_, 1) {}

// --- Blocks

uint32_t TrackedChains::Find(const BlockKey& key) const {
  const auto it = by_key_.find(key);
  return it == by_key_.end() ? 0 : *it;
}

uint32_t TrackedChains::FindOrAdd(const BlockKey& key, uint32_t depth) {
  if (const uint32_t n = Find(key)) return n;
  const uint32_t n = blocks_.Add();
  blocks_[n].depth = depth;
  blocks_[n].block = key.block;
  blocks_[n].prefix = prefixes_.Acquire(key.ns);
  by_key_.insert(n);
  BecomeGhost(n);
  return n;
}

bool TrackedChains::InTier(Tier tier, uint32_t n) const {
  const uint8_t place = At(tier, n).place;
  return place != kAbsent && place != kGhost;
}

void TrackedChains::BecomeGhost(uint32_t n) {
  blocks_[n].parent = 0;
  At(Tier::kDram, n).place = kGhost;
  dram_aside_.PushBack(n, kGhostList);
  ++ghosts_;
}

uint32_t TrackedChains::GhostToForget() {
  const size_t allowed = std::max(kMinGhosts, in_tier_[0] + in_tier_[1]);
  // Parents of blocks in a tier are passed over: each is looked at once per turn of the list.
  for (int tries = 0; ghosts_ > allowed && tries < 4; ++tries) {
    const uint32_t n = dram_aside_.front(kGhostList);
    if (blocks_[n].tiers[0].children == 0 && blocks_[n].tiers[1].children == 0) return n;
    dram_aside_.Remove(n, kGhostList);
    dram_aside_.PushBack(n, kGhostList);
  }
  return 0;
}

void TrackedChains::Forget(uint32_t n) {
  HL_CHECK(At(Tier::kDram, n).place == kGhost);
  dram_aside_.Remove(n, kGhostList);
  --ghosts_;
  by_key_.erase(n);
  prefixes_.Release(blocks_[n].prefix);
  blocks_.Free(n);
}

// --- Facts

void TrackedChains::Insert(Tier tier, uint32_t n, const BlockFacts& facts) {
  if (InTier(tier, n)) return;
  if (!InAnyTier(n)) {
    dram_aside_.Remove(n, kGhostList);
    At(Tier::kDram, n).place = kAbsent;
    --ghosts_;
    if (facts.parent != BlockKey{}) LinkToParent(n, facts.parent);
  }
  ++in_tier_[static_cast<int>(tier)];
  const uint32_t parent = blocks_[n].parent;
  if (parent != 0) ++At(tier, parent).children;
  LinkNew(tier, n);
  if (tier == Tier::kDram && At(Tier::kSsd, n).place == kQueued) {
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
  const uint8_t place = PlaceOf(tier, n);
  const uint32_t parent = blocks_[n].parent;
  const int queue = order_->QueueOf(blocks_[n]);
  const bool beside_parent = tier == Tier::kDram && parent != 0 &&
                             At(tier, parent).place == place && At(tier, parent).queue == queue;
  if (!beside_parent) return Enqueue(tier, n, place, false);
  At(tier, n).place = place;
  At(tier, n).queue = static_cast<uint16_t>(queue);
  QueuesOf(tier, place).InsertBefore(n, parent, queue);
}

void TrackedChains::Remove(Tier tier, const BlockKey& key) {
  const uint32_t n = Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Dequeue(tier, n);
  At(tier, n).place = kAbsent;
  --in_tier_[static_cast<int>(tier)];
  const uint32_t parent = blocks_[n].parent;
  if (!InAnyTier(n)) {
    BecomeGhost(n);
  } else if (tier == Tier::kDram && At(Tier::kSsd, n).place == kShared) {
    Dequeue(Tier::kSsd, n);
    Enqueue(Tier::kSsd, n, kQueued, false);
  }
  if (parent == 0) return;
  HL_CHECK(At(tier, parent).children > 0);
  --At(tier, parent).children;
  Unpark(parent);
}

void TrackedChains::Unqueue(uint32_t n) {
  if (At(Tier::kDram, n).place == kGhost) {
    dram_aside_.Remove(n, kGhostList);
    return;
  }
  for (const Tier tier : kTiers) {
    if (InTier(tier, n)) Dequeue(tier, n);
  }
}

void TrackedChains::Requeue(uint32_t n) {
  if (At(Tier::kDram, n).place == kGhost) {
    dram_aside_.PushBack(n, kGhostList);
    return;
  }
  for (const Tier tier : kTiers) {
    if (InTier(tier, n)) Enqueue(tier, n, PlaceOf(tier, n), false);
  }
}

void TrackedChains::Empty(int queue) {
  for (const Tier tier : kTiers) {
    for (const uint8_t place : {kQueued, kShared}) {
      if (tier == Tier::kDram && place == kShared) continue;
      // From the last one, so that the first is in front again.
      while (const uint32_t n = QueuesOf(tier, place).back(queue)) {
        Dequeue(tier, n);
        Enqueue(tier, n, place, true);
      }
    }
  }
}

// --- Decisions

uint32_t TrackedChains::Lowest(Tier tier, int64_t now_ns) {
  const uint32_t n = QueuesOf(tier, kQueued).Lowest(now_ns);
  return n == 0 && tier == Tier::kSsd ? shared_queues_.Lowest(now_ns) : n;
}

void TrackedChains::Skip(Tier tier, const BlockKey& key) {
  const uint32_t n = Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Dequeue(tier, n);
  At(tier, n).place = kSkipped;
  QueuesOf(tier, kSkipped).PushBack(n, kSkippedList);
}

void TrackedChains::ClearSkips() {
  for (const Tier tier : kTiers) {
    // Last skipped first, so that the one to go first ends up in front again.
    while (const uint32_t n = QueuesOf(tier, kSkipped).back(kSkippedList)) {
      Dequeue(tier, n);
      Enqueue(tier, n, PlaceOf(tier, n), true);
    }
  }
}

void TrackedChains::RanksChanged() {
  dram_queues_.RanksChanged();
  ssd_queues_.RanksChanged();
  shared_queues_.RanksChanged();
}

bool TrackedChains::HasChildThatNeedsIt(Tier tier, uint32_t n) const {
  if (At(tier, n).children > 0) return true;
  return tier == Tier::kSsd && !InTier(Tier::kDram, n) && At(Tier::kDram, n).children > 0;
}

void TrackedChains::Unpark(uint32_t n) {
  for (const Tier tier : kTiers) {
    if (At(tier, n).place != kParked || HasChildThatNeedsIt(tier, n)) continue;
    Enqueue(tier, n, PlaceOf(tier, n), true);
  }
}

// --- Queues

TrackedChains::Queues& TrackedChains::QueuesOf(Tier tier, uint8_t place) {
  if (place == kSkipped) return tier == Tier::kDram ? dram_aside_ : ssd_aside_;
  if (tier == Tier::kDram) return dram_queues_;
  return place == kShared ? shared_queues_ : ssd_queues_;
}

// The place it belongs to now: kQueued or kShared.
uint8_t TrackedChains::PlaceOf(Tier tier, uint32_t n) const {
  return tier == Tier::kSsd && InTier(Tier::kDram, n) ? kShared : kQueued;
}

void TrackedChains::Enqueue(Tier tier, uint32_t n, uint8_t place, bool at_front) {
  TrackedBlock::InTier& at = At(tier, n);
  at.place = place;
  at.queue = static_cast<uint16_t>(order_->QueueOf(blocks_[n]));
  Queues& queues = QueuesOf(tier, place);
  if (at_front) {
    queues.PushFront(n, at.queue);
  } else {
    queues.PushBack(n, at.queue);
  }
}

void TrackedChains::Dequeue(Tier tier, uint32_t n) {
  const TrackedBlock::InTier& at = At(tier, n);
  if (at.place == kParked) return;
  QueuesOf(tier, at.place).Remove(n, at.place == kSkipped ? kSkippedList : at.queue);
}

size_t TrackedChains::memory_bytes() const {
  return sizeof *this + blocks_.memory_bytes() + by_key_.capacity() * (sizeof(uint32_t) + 1);
}

}  // namespace halflife
