#include <algorithm>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_lists.h"

namespace halflife::tools {
namespace {

// Three static FIFO queues: a small one (a tenth) for what is new, the main one with reinsertion,
// and a ghost queue of ids that were turned out of the small one. Source: Yang et al., "FIFO queues
// are all you need for cache eviction", SOSP 2023, algorithm 1.
class S3FifoCache final : public BlockwiseCache {
 public:
  explicit S3FifoCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks),
        small_target_(std::max<size_t>(1, capacity_ / 10)),
        lists_(setup.block_count(), 3),
        frequency_(setup.block_count()) {}

  bool Holds(uint32_t block) const override {
    return lists_.ListOf(block) == kSmall || lists_.ListOf(block) == kMain;
  }
  size_t size() const override { return lists_.size(kSmall) + lists_.size(kMain); }

 private:
  enum List : uint8_t { kSmall, kMain, kGhost, kListCount };
  static constexpr uint8_t kMaxFrequency = 3;

  void Reference(uint32_t block) override {
    if (Holds(block)) {
      frequency_[block] = std::min<uint8_t>(frequency_[block] + 1, kMaxFrequency);
      return;
    }
    while (size() >= capacity_) Evict();
    const bool ghost = lists_.ListOf(block) == kGhost;  // asked after eviction, as published
    if (ghost) lists_.Remove(block);
    frequency_[block] = 0;
    lists_.PushBack(ghost ? kMain : kSmall, block);
  }

  void Evict() {
    if (lists_.size(kSmall) >= small_target_ || lists_.empty(kMain)) {
      EvictFromSmall();
    } else {
      EvictFromMain();
    }
  }

  // Moves what was used more than once to the main queue until one was turned out.
  void EvictFromSmall() {
    while (!lists_.empty(kSmall)) {
      const uint32_t block = lists_.PopFront(kSmall);
      if (frequency_[block] > 1) {
        frequency_[block] = 0;
        lists_.PushBack(kMain, block);
        continue;
      }
      // As many ghosts as the main queue has places.
      if (lists_.size(kGhost) >= std::max<size_t>(1, capacity_ - small_target_)) {
        lists_.PopFront(kGhost);
      }
      lists_.PushBack(kGhost, block);
      return;
    }
  }

  void EvictFromMain() {
    for (;;) {
      const uint32_t block = lists_.PopFront(kMain);
      if (frequency_[block] == 0) return;
      --frequency_[block];
      lists_.PushBack(kMain, block);
    }
  }

  const size_t capacity_;
  const size_t small_target_;
  BlockLists lists_;
  std::vector<uint8_t> frequency_;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeS3FifoCache(const CacheSetup& setup) {
  return std::make_unique<S3FifoCache>(setup);
}

}  // namespace halflife::tools
