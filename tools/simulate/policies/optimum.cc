#include <queue>
#include <vector>

#include "tools/simulate/policies/baselines.h"

namespace halflife::tools {
namespace {

// The most hits that any policy can have, knowing the future: after every request, what is used
// again last goes first, the request's own blocks included. Source: Belady, "A study of replacement
// algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966. On chains: a block is
// used whenever a descendant is, so that its next use never comes after theirs; of blocks with one
// next use the deepest goes first. So victims always are leaves, what is held stays closed under
// prefixes, and every block hit is a prefix hit.
//
// Held blocks stand in one queue per request that uses them next. Those of one queue are a piece of
// one chain, and what joins it later lies above what is in it already: first in is deepest.
class OptimalCache final : public SimulatedCache {
 public:
  explicit OptimalCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks),
        next_uses_(NextUses(*setup.trace)),
        held_(setup.block_count()),
        behind_(setup.block_count(), kNoBlock),
        queues_(setup.trace->requests.size() + 1) {}

  size_t Serve(const SimulatedRequest& request) override {
    size_t hits = 0;
    while (hits < request.blocks.size() && held_[request.blocks[hits]] != 0) ++hits;
    // Everything queued for this request is among its blocks: all are queued anew.
    size_ -= hits;
    queues_[served_] = {};
    for (size_t i = request.blocks.size(); i-- > 0;) {
      Push(next_uses_[position_ + i], request.blocks[i]);
    }
    position_ += request.blocks.size();
    ++served_;
    while (size_ > capacity_) Evict();
    return hits;
  }

 private:
  struct Queue {
    uint32_t front = kNoBlock;
    uint32_t back = kNoBlock;
  };

  // For every reference, the request that uses the block next; the number of requests if none does.
  static std::vector<uint32_t> NextUses(const SimulatedTrace& trace) {
    const auto never = static_cast<uint32_t>(trace.requests.size());
    std::vector<uint32_t> next(trace.block_count(), never);
    std::vector<uint32_t> uses(trace.references.size());
    for (uint32_t r = never; r-- > 0;) {
      const auto& request = trace.requests[r];
      for (uint64_t at = request.first; at < request.first + request.count; ++at) {
        uses[at] = next[trace.references[at]];
        next[trace.references[at]] = r;
      }
    }
    return uses;
  }

  void Push(uint32_t use, uint32_t block) {
    Queue& queue = queues_[use];
    if (queue.front == kNoBlock) {
      queue.front = block;
      farthest_.push(use);
    } else {
      behind_[queue.back] = block;
    }
    queue.back = block;
    behind_[block] = kNoBlock;
    held_[block] = 1;
    ++size_;
  }

  void Evict() {
    // Queues that were emptied are still named in the heap.
    while (queues_[farthest_.top()].front == kNoBlock) farthest_.pop();
    Queue& queue = queues_[farthest_.top()];
    const uint32_t block = queue.front;
    queue.front = behind_[block];
    held_[block] = 0;
    --size_;
  }

  const size_t capacity_;
  const std::vector<uint32_t> next_uses_;  // by reference
  std::vector<uint8_t> held_;
  std::vector<uint32_t> behind_;  // by block: who follows it in its queue
  std::vector<Queue> queues_;     // by request
  std::priority_queue<uint32_t> farthest_;
  size_t size_ = 0;
  uint64_t position_ = 0;  // in the trace's references
  uint32_t served_ = 0;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeOptimalCache(const CacheSetup& setup) {
  return std::make_unique<OptimalCache>(setup);
}

}  // namespace halflife::tools
