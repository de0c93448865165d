#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/one_queue_cache.h"

namespace halflife::tools {
namespace {

// First in, first out. Source: Belady, "A study of replacement algorithms for a virtual-storage
// computer", IBM Systems Journal 5(2), 1966.
class FifoCache final : public OneQueueCache {
 public:
  explicit FifoCache(const CacheSetup& setup) : OneQueueCache(setup) {}

 private:
  void Reference(uint32_t block) override {
    if (Holds(block)) return;
    if (IsFull()) lists_.PopFront(kQueue);
    lists_.PushBack(kQueue, block);
  }
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeFifoCache(const CacheSetup& setup) {
  return std::make_unique<FifoCache>(setup);
}

}  // namespace halflife::tools
