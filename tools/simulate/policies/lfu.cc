#include <utility>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_heap.h"

namespace halflife::tools {
namespace {

// Least frequently used; equal frequencies by recency. Frequency is counted while a block is held
// ("in-cache LFU"). Source: Aho, Denning, Ullman, "Principles of optimal page replacement", JACM
// 18(1), 1971; Breslau et al., "Web caching and Zipf-like distributions", INFOCOM 1999, for the
// in-cache form.
class LfuCache final : public BlockwiseCache {
 public:
  explicit LfuCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks), heap_(setup.block_count()) {}

  bool Holds(uint32_t block) const override { return heap_.Contains(block); }
  size_t size() const override { return heap_.size(); }

 private:
  using Key = std::pair<uint64_t, uint64_t>;  // frequency, time of the last reference

  void Reference(uint32_t block) override {
    const uint64_t now = ++references_;
    if (Holds(block)) {
      heap_.Set(block, {heap_.KeyOf(block).first + 1, now});
      return;
    }
    if (size() == capacity_) heap_.Pop();
    heap_.Set(block, {1, now});
  }

  const size_t capacity_;
  BlockHeap<Key> heap_;
  uint64_t references_ = 0;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeLfuCache(const CacheSetup& setup) {
  return std::make_unique<LfuCache>(setup);
}

}  // namespace halflife::tools
