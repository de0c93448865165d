#include "tools/simulate/policies/baselines.h"

namespace halflife::tools {
namespace {

// Keeps everything: the ceiling, whatever the capacity.
class InfiniteCache final : public BlockwiseCache {
 public:
  explicit InfiniteCache(const CacheSetup& setup) : seen_(setup.block_count()) {}

  bool Holds(uint32_t block) const override { return seen_[block] != 0; }
  size_t size() const override { return size_; }

 private:
  void Reference(uint32_t block) override {
    size_ += seen_[block] == 0 ? 1 : 0;
    seen_[block] = 1;
  }

  std::vector<uint8_t> seen_;
  size_t size_ = 0;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeInfiniteCache(const CacheSetup& setup) {
  return std::make_unique<InfiniteCache>(setup);
}

}  // namespace halflife::tools
