#include <algorithm>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_lists.h"

namespace halflife::tools {
namespace {

// Low inter-reference recency set: a stack S ordered by recency, at whose bottom is always an LIR
// block, and a queue Q of the few resident HIR blocks (1 %), from which victims come. Source: Jiang
// and Zhang, "LIRS: an efficient low inter-reference recency set replacement policy",
// SIGMETRICS 2002, section 3.2.
class LirsCache final : public BlockwiseCache {
 public:
  explicit LirsCache(const CacheSetup& setup)
      : lir_limit_(setup.capacity_blocks - std::max<size_t>(1, setup.capacity_blocks / 100)),
        capacity_(setup.capacity_blocks),
        stack_(setup.block_count(), 1),
        queues_(setup.block_count(), kQueueCount),
        is_lir_(setup.block_count()) {}

  bool Holds(uint32_t block) const override {
    return is_lir_[block] != 0 || queues_.ListOf(block) == kResident;
  }
  size_t size() const override { return lir_count_ + queues_.size(kResident); }

 private:
  // HIR blocks: those held, and the ghosts in the stack, oldest in front.
  enum Queue : uint8_t { kResident, kGhost, kQueueCount };
  static constexpr uint8_t kStack = 0;  // its bottom is the front
  // The paper prunes ghosts with the stack only, which leaves their number open; as in Caffeine's
  // simulator, at most twice the capacity.
  static constexpr size_t kGhostsPerBlock = 2;

  bool InStack(uint32_t block) const { return stack_.ListOf(block) == kStack; }

  void Reference(uint32_t block) override {
    if (!Holds(block) && size() == capacity_) Evict();
    const bool was_in_stack = InStack(block);  // asked after eviction, which may forget a ghost
    if (was_in_stack) stack_.Remove(block);
    stack_.PushBack(kStack, block);
    if (is_lir_[block] != 0) {
      Prune();
      return;
    }
    if (queues_.ListOf(block) != BlockLists::kNone) queues_.Remove(block);
    if (was_in_stack || lir_count_ < lir_limit_) {
      is_lir_[block] = 1;
      ++lir_count_;
      Prune();
      if (lir_count_ > lir_limit_) DemoteBottom();
    } else {
      queues_.PushBack(kResident, block);
    }
  }

  void Evict() {
    const uint32_t block = queues_.PopFront(kResident);
    if (!InStack(block)) return;
    if (queues_.size(kGhost) == kGhostsPerBlock * capacity_) {
      stack_.Remove(queues_.PopFront(kGhost));
    }
    queues_.PushBack(kGhost, block);
  }

  void DemoteBottom() {
    const uint32_t block = stack_.PopFront(kStack);
    is_lir_[block] = 0;
    --lir_count_;
    queues_.PushBack(kResident, block);
    Prune();
  }

  // Takes HIR blocks off the bottom of the stack.
  void Prune() {
    while (!stack_.empty(kStack) && is_lir_[stack_.Front(kStack)] == 0) {
      const uint32_t block = stack_.PopFront(kStack);
      if (queues_.ListOf(block) == kGhost) queues_.Remove(block);
    }
  }

  const size_t lir_limit_;
  const size_t capacity_;
  BlockLists stack_;
  BlockLists queues_;
  std::vector<uint8_t> is_lir_;
  size_t lir_count_ = 0;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeLirsCache(const CacheSetup& setup) {
  return std::make_unique<LirsCache>(setup);
}

}  // namespace halflife::tools
