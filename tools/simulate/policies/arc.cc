#include <algorithm>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_lists.h"

namespace halflife::tools {
namespace {

// Adaptive replacement: a list of blocks seen once and one of blocks seen again, each with ghosts;
// a ghost hit moves the target size of the first list. Source: Megiddo and Modha, "ARC: a
// self-tuning, low overhead replacement cache", FAST 2003, figure 4.
class ArcCache final : public BlockwiseCache {
 public:
  explicit ArcCache(const CacheSetup& setup)
      : capacity_(setup.capacity_blocks), lists_(setup.block_count(), kListCount) {}

  bool Holds(uint32_t block) const override {
    return lists_.ListOf(block) == kT1 || lists_.ListOf(block) == kT2;
  }
  size_t size() const override { return lists_.size(kT1) + lists_.size(kT2); }

 private:
  enum List : uint8_t { kT1, kT2, kB1, kB2, kListCount };  // names of the paper

  void Reference(uint32_t block) override {
    switch (lists_.ListOf(block)) {
      case kT1:
      case kT2:  // case I
        lists_.MoveToBack(kT2, block);
        return;
      case kB1: {  // case II
        const double step = std::max(1.0, Ratio(kB2, kB1));
        target_ = std::min(target_ + step, static_cast<double>(capacity_));
        Replace(false);
        lists_.MoveToBack(kT2, block);
        return;
      }
      case kB2: {  // case III
        const double step = std::max(1.0, Ratio(kB1, kB2));
        target_ = std::max(target_ - step, 0.0);
        Replace(true);
        lists_.MoveToBack(kT2, block);
        return;
      }
      default:
        Insert(block);
    }
  }

  void Insert(uint32_t block) {  // case IV
    const size_t l1 = lists_.size(kT1) + lists_.size(kB1);
    const size_t total = l1 + lists_.size(kT2) + lists_.size(kB2);
    if (l1 == capacity_) {
      if (lists_.size(kT1) < capacity_) {
        lists_.PopFront(kB1);
        Replace(false);
      } else {
        lists_.PopFront(kT1);
      }
    } else if (total >= capacity_) {
      if (total == 2 * capacity_) lists_.PopFront(kB2);
      Replace(false);
    }
    lists_.PushBack(kT1, block);
  }

  void Replace(bool in_b2) {
    const auto t1 = static_cast<double>(lists_.size(kT1));
    if (t1 > 0 && (t1 > target_ || (in_b2 && t1 == target_) || lists_.empty(kT2))) {
      lists_.PushBack(kB1, lists_.PopFront(kT1));
    } else {
      lists_.PushBack(kB2, lists_.PopFront(kT2));
    }
  }

  double Ratio(List a, List b) const {
    return static_cast<double>(lists_.size(a)) / static_cast<double>(lists_.size(b));
  }

  const size_t capacity_;
  BlockLists lists_;   // least recent in front
  double target_ = 0;  // the paper's p: target size of T1
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeArcCache(const CacheSetup& setup) {
  return std::make_unique<ArcCache>(setup);
}

}  // namespace halflife::tools
