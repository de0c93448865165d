#include "storage/residency/model/miniature_cache.h"

#include <algorithm>

namespace halflife {

MiniatureCache::MiniatureCache(Order order, const RetentionTable* table)
    : order_(order),
      table_(table),
      blocks_(1),
      queues_(&access_, order == Order::kModel ? kHistoryGroups * kMultiplierLevels : 1) {}

RetentionRank MiniatureCache::RankOf(const Block& block, int64_t at_ns) const {
  if (order_ == Order::kRecency) return {0, block.last_touch_ns};
  const double age_s = static_cast<double>(std::max<int64_t>(at_ns - block.last_touch_ns, 0)) / 1e9;
  const double index = table_->IndexOf(block.sampled.group, block.sampled.level, age_s);
  return {index * block.sampled.value, block.last_touch_ns};
}

double MiniatureCache::Serve(absl::Span<const SampledBlock> blocks, int64_t now_ns) {
  double hit_value = 0;
  bool whole = true;
  served_.clear();
  // Parents first, so that a child finds its own; then tails in front of heads.
  for (const SampledBlock& block : blocks) {
    const size_t held = numbers_.size();
    served_.push_back(Hold(block, served_.empty() ? 0 : served_.back(), now_ns));
    whole = whole && numbers_.size() == held;
    if (whole) hit_value += block.value;
  }
  for (auto n = served_.rbegin(); n != served_.rend(); ++n) {
    queues_.PushBack(*n, QueueOf(blocks_[*n]));
  }
  while (numbers_.size() > capacity_) {
    const uint32_t n = queues_.Lowest(now_ns);
    if (n == 0) break;
    Evict(n);
  }
  return hit_value;
}

// Leaves it out of its queue. Returns its number.
uint32_t MiniatureCache::Hold(const SampledBlock& sampled, uint32_t parent, int64_t now_ns) {
  uint32_t& n = numbers_[sampled.id];
  if (n != 0) {
    Block& block = blocks_[n];
    if (!block.parked) queues_.Remove(n, QueueOf(block));
    block.parked = false;
    block.sampled = sampled;
    block.last_touch_ns = now_ns;
    return n;
  }
  if (free_.empty()) {
    n = static_cast<uint32_t>(blocks_.size());
    blocks_.emplace_back();
  } else {
    n = free_.back();
    free_.pop_back();
  }
  blocks_[n] = {sampled, now_ns, {}, parent, 0, false};
  if (parent != 0) ++blocks_[parent].children;
  return n;
}

void MiniatureCache::Evict(uint32_t n) {
  queues_.Remove(n, QueueOf(blocks_[n]));
  numbers_.erase(blocks_[n].sampled.id);
  free_.push_back(n);
  const uint32_t parent = blocks_[n].parent;
  if (parent == 0 || --blocks_[parent].children > 0 || !blocks_[parent].parked) return;
  blocks_[parent].parked = false;
  queues_.PushFront(parent, QueueOf(blocks_[parent]));
}

void MiniatureCache::Clear() {
  while (const uint32_t n = queues_.Lowest(0)) Evict(n);
}

}  // namespace halflife
