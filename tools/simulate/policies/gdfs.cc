#include <utility>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_heap.h"

namespace halflife::tools {
namespace {

// Greedy dual, frequency and size: priority = clock + frequency * cost / size, where the clock is
// the priority of the last victim. All blocks have one size; cost is the recompute time saved, or 1
// if only hits count (then it is LFU with dynamic ageing). Source: Cherkasova, "Improving WWW
// proxies performance with Greedy-Dual-Size-Frequency caching policy", HPL-98-69R1, 1998.
class GdfsCache final : public BlockwiseCache {
 public:
  explicit GdfsCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks),
        objective_(setup.objective),
        trace_(*setup.trace),
        frequency_(setup.block_count()),
        heap_(setup.block_count()) {}

  bool Holds(uint32_t block) const override { return heap_.Contains(block); }
  size_t size() const override { return heap_.size(); }

 private:
  using Key = std::pair<double, uint64_t>;  // priority, time of the last reference

  double Cost(uint32_t block) const {
    return objective_ == Objective::kHits
               ? 1.0
               : RecomputeValue(trace_.depth[block], trace_.block_tokens);
  }

  void Reference(uint32_t block) override {
    if (!Holds(block)) {
      if (size() == capacity_) {
        clock_ = heap_.TopKey().first;
        heap_.Pop();
      }
      frequency_[block] = 0;
    }
    ++frequency_[block];
    heap_.Set(block, {clock_ + frequency_[block] * Cost(block), ++references_});
  }

  const size_t capacity_;
  const Objective objective_;
  const SimulatedTrace& trace_;
  std::vector<uint32_t> frequency_;  // of those held
  BlockHeap<Key> heap_;
  double clock_ = 0;
  uint64_t references_ = 0;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeGdfsCache(const CacheSetup& setup) {
  return std::make_unique<GdfsCache>(setup);
}

}  // namespace halflife::tools
