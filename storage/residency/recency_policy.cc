#include "storage/residency/recency_policy.h"

#include <algorithm>

#include "common/check.h"
#include "storage/residency/model/model_report.h"

namespace halflife {
namespace {

// A parent that was touched this much before its child is warm enough: a Put of many blocks then
// walks up its chain once and not once per block.
constexpr int64_t kWarmSlackNs = int64_t{1000} * 1000 * 1000;

constexpr int Index(Tier tier) { return static_cast<int>(tier); }
constexpr std::array<Tier, kTierCount> kTiers = {Tier::kDram, Tier::kSsd};

}  // namespace

RecencyPolicy::RecencyPolicy(const NamespaceLedger* ledger)
    : by_key_(0, Hash{&nodes_}, Equal{&nodes_, &prefixes_}),
      limits_(ledger),
      dram_queues_(limits_.limits()) {}

// --- Facts

void RecencyPolicy::OnInsert(Tier tier, const BlockFacts& block) {
  const uint32_t n = FindOrAdd(block.key, block.depth);
  if (InTier(tier, n)) return;
  if (!InTier(Tier::kDram, n) && !InTier(Tier::kSsd, n)) {
    nodes_[n].category = std::min<Category>(block.category, kMaxCategories - 1);
    nodes_[n].last_touch_ns = block.last_touch_ns;
    if (block.parent != BlockKey{}) LinkToParent(n, block.parent);
  }
  Node& node = nodes_[n];
  node.last_touch_ns = std::max(node.last_touch_ns, block.last_touch_ns);
  if (node.parent != 0) ++nodes_[node.parent].children[Index(tier)];
  if (tier == Tier::kDram) limits_.Inserted(node.prefix, block.bytes);
  WarmAncestors(n);
  LinkNew(tier, n);
  if (tier == Tier::kDram && node.place[Index(Tier::kSsd)] == Place::kQueued) {
    Unlink(Tier::kSsd, n);
    PushBack(Tier::kSsd, n, Place::kShared);
  }
  Unpark(n);  // in DRAM, it no longer carries the DRAM children of its SSD copy
}

void RecencyPolicy::OnTouch(const TouchedChain& chain) {
  // From the last block to the first, so that each parent ends up behind its child.
  for (auto key = chain.keys.rbegin(); key != chain.keys.rend(); ++key) {
    if (const uint32_t n = Find(*key)) Warm(n, chain.now_ns, chain.category);
  }
}

void RecencyPolicy::OnRemove(Tier tier, const BlockKey& key) {
  const uint32_t n = Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Unlink(tier, n);
  Node& node = nodes_[n];
  node.place[Index(tier)] = Place::kAbsent;
  if (tier == Tier::kDram) limits_.Removed(node.prefix);
  const uint32_t parent = node.parent;
  if (!InTier(Tier::kDram, n) && !InTier(Tier::kSsd, n)) node.parent = 0;
  if (tier == Tier::kDram && node.place[Index(Tier::kSsd)] == Place::kShared) {
    Unlink(Tier::kSsd, n);
    PushBack(Tier::kSsd, n, Place::kQueued);
  }
  FreeIfUnused(n);
  if (parent == 0) return;
  HL_CHECK(nodes_[parent].children[Index(tier)] > 0);
  --nodes_[parent].children[Index(tier)];
  Unpark(parent);
  FreeIfUnused(parent);
}

// --- Decisions

std::optional<BlockKey> RecencyPolicy::NextVictim(Tier tier, int64_t now_ns) {
  if (tier == Tier::kDram) return KeyOf(ColdestInDram());
  const uint32_t alone = ColdestOf(tier, ssd_queues_);
  return KeyOf(alone != 0 ? alone : ColdestOf(tier, shared_queues_));
}

std::optional<BlockKey> RecencyPolicy::NextVictimUnder(uint16_t limit, int64_t now_ns) {
  return KeyOf(ColdestOf(Tier::kDram, dram_queues_[limit]));
}

std::optional<BlockKey> RecencyPolicy::KeyOf(uint32_t n) const {
  if (n == 0) return std::nullopt;
  return BlockKey{prefixes_[nodes_[n].prefix], nodes_[n].block};
}

uint32_t RecencyPolicy::ColdestInDram() {
  uint32_t coldest = 0;
  for (ByCategory& lists : dram_queues_) {
    const uint32_t n = ColdestOf(Tier::kDram, lists);
    if (n == 0 || !limits_.MayGo(nodes_[n].prefix)) continue;
    if (coldest == 0 || nodes_[n].last_touch_ns < nodes_[coldest].last_touch_ns) coldest = n;
  }
  return coldest;
}

uint32_t RecencyPolicy::ColdestOf(Tier tier, ByCategory& lists) {
  uint32_t coldest = 0;
  for (List& list : lists) {
    const uint32_t n = FrontThatMayGo(tier, list);
    if (n == 0) continue;
    if (coldest == 0 || nodes_[n].last_touch_ns < nodes_[coldest].last_touch_ns) coldest = n;
  }
  return coldest;
}

uint32_t RecencyPolicy::FrontThatMayGo(Tier tier, List& list) {
  while (list.front != 0 && HasChildThatNeedsIt(tier, list.front)) {
    const uint32_t n = list.front;
    Unlink(tier, n);
    nodes_[n].place[Index(tier)] = Place::kParked;
  }
  return list.front;
}

bool RecencyPolicy::HasChildThatNeedsIt(Tier tier, uint32_t n) const {
  const Node& node = nodes_[n];
  if (node.children[Index(tier)] > 0) return true;
  return tier == Tier::kSsd && !InTier(Tier::kDram, n) && node.children[Index(Tier::kDram)] > 0;
}

void RecencyPolicy::Skip(Tier tier, const BlockKey& key) {
  const uint32_t n = Find(key);
  if (n == 0 || !InTier(tier, n)) return;
  Unlink(tier, n);
  PushBack(tier, n, Place::kSkipped);
}

void RecencyPolicy::ClearSkips() {
  for (const Tier tier : kTiers) {
    // Last skipped first, so that the coldest ends up in front again.
    while (const uint32_t n = skipped_[Index(tier)].back) {
      Unlink(tier, n);
      PushFront(tier, n, QueueOf(tier, n));
    }
  }
}

bool RecencyPolicy::AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) {
  return true;
}

// --- Queues

RecencyPolicy::List& RecencyPolicy::ListOf(Tier tier, Place place, uint32_t n) {
  if (place == Place::kSkipped) return skipped_[Index(tier)];
  const Node& node = nodes_[n];
  if (tier == Tier::kDram) return dram_queues_[limits_.LimitOf(node.prefix)][node.category];
  return place == Place::kShared ? shared_queues_[node.category] : ssd_queues_[node.category];
}

RecencyPolicy::Place RecencyPolicy::QueueOf(Tier tier, uint32_t n) const {
  return tier == Tier::kSsd && InTier(Tier::kDram, n) ? Place::kShared : Place::kQueued;
}

void RecencyPolicy::LinkBefore(Tier tier, uint32_t n, uint32_t next, Place place) {
  const int t = Index(tier);
  Node& node = nodes_[n];
  List& list = ListOf(tier, place, n);
  node.place[t] = place;
  node.next[t] = next;
  node.prev[t] = next == 0 ? list.back : nodes_[next].prev[t];
  (node.prev[t] == 0 ? list.front : nodes_[node.prev[t]].next[t]) = n;
  (next == 0 ? list.back : nodes_[next].prev[t]) = n;
}

void RecencyPolicy::PushFront(Tier tier, uint32_t n, Place place) {
  LinkBefore(tier, n, ListOf(tier, place, n).front, place);
}

void RecencyPolicy::Unlink(Tier tier, uint32_t n) {
  const int t = Index(tier);
  Node& node = nodes_[n];
  if (node.place[t] == Place::kAbsent || node.place[t] == Place::kParked) return;
  List& list = ListOf(tier, node.place[t], n);
  (node.prev[t] == 0 ? list.front : nodes_[node.prev[t]].next[t]) = node.next[t];
  (node.next[t] == 0 ? list.back : nodes_[node.next[t]].prev[t]) = node.prev[t];
  node.prev[t] = node.next[t] = 0;
}

void RecencyPolicy::LinkNew(Tier tier, uint32_t n) {
  const Place place = QueueOf(tier, n);
  const uint32_t parent = nodes_[n].parent;
  const bool beside_parent = parent != 0 && nodes_[parent].place[Index(tier)] == place &&
                             nodes_[parent].category == nodes_[n].category &&
                             nodes_[parent].prefix == nodes_[n].prefix;
  if (beside_parent && tier == Tier::kDram) {
    nodes_[n].last_touch_ns = std::min(nodes_[n].last_touch_ns, nodes_[parent].last_touch_ns);
    LinkBefore(tier, n, parent, place);
  } else {
    PushBack(tier, n, place);
  }
}

void RecencyPolicy::Warm(uint32_t n, int64_t now_ns, Category category) {
  std::array<bool, kTierCount> present{};
  for (const Tier tier : kTiers) {
    present[Index(tier)] = InTier(tier, n);
    Unlink(tier, n);
  }
  Node& node = nodes_[n];
  node.last_touch_ns = std::max(node.last_touch_ns, now_ns);
  if (category != kUnknownCategory)
    node.category = std::min<Category>(category, kMaxCategories - 1);
  for (const Tier tier : kTiers) {
    if (present[Index(tier)]) PushBack(tier, n, QueueOf(tier, n));
  }
}

void RecencyPolicy::WarmAncestors(uint32_t n) {
  const int64_t now_ns = nodes_[n].last_touch_ns;
  for (uint32_t up = nodes_[n].parent; up != 0; up = nodes_[up].parent) {
    if (nodes_[up].last_touch_ns >= now_ns - kWarmSlackNs) return;
    Warm(up, now_ns, kUnknownCategory);
  }
}

void RecencyPolicy::Unpark(uint32_t n) {
  for (const Tier tier : kTiers) {
    if (nodes_[n].place[Index(tier)] != Place::kParked || HasChildThatNeedsIt(tier, n)) continue;
    PushFront(tier, n, QueueOf(tier, n));
  }
}

// --- Nodes

bool RecencyPolicy::InTier(Tier tier, uint32_t n) const {
  return nodes_[n].place[Index(tier)] != Place::kAbsent;
}

uint32_t RecencyPolicy::Find(const BlockKey& key) const {
  auto it = by_key_.find(key);
  return it == by_key_.end() ? 0 : *it;
}

uint32_t RecencyPolicy::FindOrAdd(const BlockKey& key, uint32_t depth) {
  if (const uint32_t n = Find(key)) return n;
  const uint32_t n = nodes_.Add();
  nodes_[n].depth = depth;
  nodes_[n].block = key.block;
  nodes_[n].prefix = prefixes_.Acquire(key.ns);
  limits_.Named(nodes_[n].prefix, key.ns);
  by_key_.insert(n);
  return n;
}

void RecencyPolicy::LinkToParent(uint32_t n, const BlockKey& parent_key) {
  if (nodes_[n].depth == 0) return;
  const uint32_t parent = FindOrAdd(parent_key, nodes_[n].depth - 1);
  // Parents are what callers say. In a ring of them every block has a child, so none could ever go.
  if (nodes_[parent].depth < nodes_[n].depth) nodes_[n].parent = parent;
}

void RecencyPolicy::FreeIfUnused(uint32_t n) {
  const Node& node = nodes_[n];
  if (InTier(Tier::kDram, n) || InTier(Tier::kSsd, n)) return;
  if (node.children[0] > 0 || node.children[1] > 0) return;
  by_key_.erase(n);
  prefixes_.Release(node.prefix);
  nodes_.Free(n);
}

ModelReport RecencyPolicy::Report(int64_t /*now_ns*/) const {
  ModelReport report;
  report.memory_bytes = memory_bytes();
  return report;
}

size_t RecencyPolicy::memory_bytes() const {
  return sizeof *this + nodes_.memory_bytes() + by_key_.capacity() * (sizeof(uint32_t) + 1);
}

}  // namespace halflife
