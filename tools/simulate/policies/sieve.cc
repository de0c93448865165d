#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/one_queue_cache.h"

namespace halflife::tools {
namespace {

// One queue in insertion order, oldest in front, a visited bit per block, and a hand that moves
// from the oldest to the newest block and takes the first that was not visited since it last came
// by. Source: Zhang et al., "SIEVE is simpler than LRU", NSDI 2024, algorithm 1.
class SieveCache final : public OneQueueCache {
 public:
  explicit SieveCache(const CacheSetup& setup)
      : OneQueueCache(setup), visited_(setup.block_count()) {}

 private:
  void Reference(uint32_t block) override {
    if (Holds(block)) {
      visited_[block] = 1;
      return;
    }
    if (IsFull()) Evict();
    visited_[block] = 0;
    lists_.PushBack(kQueue, block);
  }

  void Evict() {
    uint32_t hand = hand_ == kNoBlock ? lists_.Front(kQueue) : hand_;
    while (visited_[hand] != 0) {
      visited_[hand] = 0;
      hand = lists_.IsBack(hand) ? lists_.Front(kQueue) : lists_.After(hand);
    }
    hand_ = lists_.IsBack(hand) ? kNoBlock : lists_.After(hand);
    lists_.Remove(hand);
  }

  std::vector<uint8_t> visited_;
  uint32_t hand_ = kNoBlock;  // kNoBlock: start at the oldest
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeSieveCache(const CacheSetup& setup) {
  return std::make_unique<SieveCache>(setup);
}

}  // namespace halflife::tools
