#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_lists.h"

namespace halflife::tools {
namespace {

// Least recently used. Source: Belady, "A study of replacement algorithms for a virtual-storage
// computer", IBM Systems Journal 5(2), 1966.
class LruCache final : public BlockwiseCache {
 public:
  explicit LruCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks), lists_(setup.block_count(), 1) {}

  bool Holds(uint32_t block) const override { return lists_.ListOf(block) == kQueue; }
  size_t size() const override { return lists_.size(kQueue); }

 private:
  static constexpr uint8_t kQueue = 0;

  void Reference(uint32_t block) override {
    if (Holds(block)) {
      lists_.Remove(block);
    } else if (size() == capacity_) {
      lists_.PopFront(kQueue);
    }
    lists_.PushBack(kQueue, block);
  }

  const size_t capacity_;
  BlockLists lists_;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeLruCache(const CacheSetup& setup) {
  return std::make_unique<LruCache>(setup);
}

}  // namespace halflife::tools
