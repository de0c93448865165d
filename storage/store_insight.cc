// LocalBlockStore: what it tells people of its residency model, of a block and of misses.

#include <algorithm>

#include "storage/local_block_store.h"

namespace halflife {
namespace {

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(std::max<int64_t>(to_ns - from_ns, 0)) / 1e9;
}

}  // namespace

std::shared_ptr<const ResidencyReport> BlockStore::Report() const {
  return std::make_shared<const ResidencyReport>();
}

std::vector<BlockExplanation> BlockStore::Explain(const NamespaceRef&,
                                                  absl::Span<const BlockHash> hashes, uint32_t,
                                                  uint16_t) {
  std::vector<BlockExplanation> explanations(hashes.size());
  for (size_t i = 0; i < hashes.size(); ++i) explanations[i].hash = hashes[i];
  return explanations;
}

// The policy is asked between two steps of the background; all that takes time comes after that.
void LocalBlockStore::RefreshReport() {
  auto report = std::make_shared<ResidencyReport>();
  background_.RunAlone([&] {
    report->made_ns = clock_->NowNanos();
    report->model = policy_->Report(report->made_ns);
    report->prices = policy_->Prices(report->made_ns);
  });
  const uint64_t ssd_bytes = ssd_ == nullptr ? 0 : ssd_->stats().quota_bytes;
  report->ceilings = CeilingsOf(sample_.Take(), arena_budget_bytes_ + ssd_bytes);
  report->sample_memory_bytes = sample_.memory_bytes();
  report_.Publish(std::move(report));
}

std::vector<RecentMiss> LocalBlockStore::RecentMisses(size_t limit) const {
  return misses_.Latest(limit);
}

std::vector<BlockExplanation> LocalBlockStore::Explain(const NamespaceRef& ns,
                                                       absl::Span<const BlockHash> hashes,
                                                       uint32_t group, uint16_t part) {
  const int64_t now_ns = clock_->NowNanos();
  std::vector<BlockExplanation> explanations;
  std::vector<BlockKey> keys;
  for (const BlockHash& hash : hashes) {
    keys.push_back(ns->keys.KeyOf(hash, group, part));
    explanations.push_back(ExplainFacts(ns, {{ns->id, hash, group, part}, keys.back()}, now_ns));
  }
  background_.RunAlone([&] {
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto gone_ns = static_cast<int64_t>(explanations[i].gone_s * 1e9);
      explanations[i].standing = policy_->StandingOf(keys[i], now_ns - gone_ns);
    }
  });
  return explanations;
}

BlockExplanation LocalBlockStore::ExplainFacts(const NamespaceRef& ns, const BlockAddress& address,
                                               int64_t now_ns) const {
  BlockExplanation explained;
  explained.hash = address.identity.hash;
  const std::optional<IndexedBlock> block = index_.Describe(address.key);
  if (block) {
    explained.in_dram = block->in_dram;
    explained.on_ssd = block->ssd.has_value();
    explained.pinned = block->pinned;
    explained.depth = block->facts.depth;
    explained.bytes = block->facts.bytes;
    explained.hits = block->facts.hits;
    explained.category = block->facts.category;
    explained.age_s = SecondsBetween(block->born_ns, now_ns);
    explained.idle_s = SecondsBetween(block->facts.last_touch_ns, now_ns);
    explained.is_first = block->facts.parent == BlockKey{};
    explained.parent_is_here = !explained.is_first && index_.Contains(block->facts.parent);
    return explained;
  }
  const RemovalMemory::Removal removal = removals_.Recall(address.key, now_ns);
  explained.reason = removal.reason;
  if (removal.reason != MissReason::kNeverSeen) {
    explained.gone_s = static_cast<double>(removal.age_s);
    return explained;
  }
  ChainSlice slice;
  slice.ns = ns;
  slice.group = address.identity.group;
  slice.hashes = {&explained.hash, 1};
  if (IsInAnotherNamespace(slice)) explained.reason = MissReason::kWrongNamespace;
  return explained;
}

}  // namespace halflife
