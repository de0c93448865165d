#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/one_queue_cache.h"

namespace halflife::tools {
namespace {

// Least recently used. Source: Belady, "A study of replacement algorithms for a virtual-storage
// computer", IBM Systems Journal 5(2), 1966.
class LruCache final : public OneQueueCache {
 public:
  explicit LruCache(const CacheSetup& setup) : OneQueueCache(setup) {}

 private:
  void Reference(uint32_t block) override {
    if (Holds(block)) {
      lists_.Remove(block);
    } else if (IsFull()) {
      lists_.PopFront(kQueue);
    }
    lists_.PushBack(kQueue, block);
  }
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeLruCache(const CacheSetup& setup) {
  return std::make_unique<LruCache>(setup);
}

}  // namespace halflife::tools
