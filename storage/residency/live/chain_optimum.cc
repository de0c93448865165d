#include "storage/residency/live/chain_optimum.h"

namespace halflife {
namespace {

constexpr uint32_t kNone = UINT32_MAX;

}  // namespace

ChainOptimum::ChainOptimum(absl::Span<const uint32_t> references, absl::Span<const uint64_t> ends,
                           size_t block_count, size_t capacity_blocks)
    : references_(references),
      ends_(ends),
      capacity_(capacity_blocks),
      next_uses_(NextUses(block_count)),
      held_(block_count),
      behind_(block_count, kNone),
      queues_(ends.size() + 1) {}

absl::Span<const uint32_t> ChainOptimum::BlocksOf(size_t request) const {
  const uint64_t first = request == 0 ? 0 : ends_[request - 1];
  return references_.subspan(first, ends_[request] - first);
}

// For every reference, the request that uses the block next; the number of requests if none does.
std::vector<uint32_t> ChainOptimum::NextUses(size_t block_count) const {
  const auto never = static_cast<uint32_t>(ends_.size());
  std::vector<uint32_t> next(block_count, never);
  std::vector<uint32_t> uses(references_.size());
  for (uint32_t r = never; r-- > 0;) {
    for (uint64_t at = r == 0 ? 0 : ends_[r - 1]; at < ends_[r]; ++at) {
      uses[at] = next[references_[at]];
      next[references_[at]] = r;
    }
  }
  return uses;
}

size_t ChainOptimum::ServeNext() {
  const absl::Span<const uint32_t> blocks = BlocksOf(served_);
  const uint64_t position = ends_[served_] - blocks.size();
  size_t hits = 0;
  while (hits < blocks.size() && held_[blocks[hits]] != 0) ++hits;
  // Everything queued for this request is among its blocks: all are queued anew. (What is held is
  // the prefix, if all requests name whole prefixes.)
  for (const uint32_t block : blocks) size_ -= held_[block];
  queues_[served_] = {};
  for (size_t i = blocks.size(); i-- > 0;) Push(next_uses_[position + i], blocks[i]);
  ++served_;
  while (size_ > capacity_) Evict();
  return hits;
}

void ChainOptimum::Push(uint32_t use, uint32_t block) {
  Queue& queue = queues_[use];
  if (queue.front == kNone) {
    queue.front = block;
    farthest_.push(use);
  } else {
    behind_[queue.back] = block;
  }
  queue.back = block;
  behind_[block] = kNone;
  held_[block] = 1;
  ++size_;
}

void ChainOptimum::Evict() {
  // Queues that were emptied are still named in the heap.
  while (queues_[farthest_.top()].front == kNone) farthest_.pop();
  Queue& queue = queues_[farthest_.top()];
  const uint32_t block = queue.front;
  queue.front = behind_[block];
  held_[block] = 0;
  --size_;
}

}  // namespace halflife
