#include <algorithm>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policies/block_lists.h"
#include "tools/simulate/policies/recent_frequency.h"

namespace halflife::tools {
namespace {

// A window in LRU order (1 %) in front of a segmented LRU (a fifth on probation); what leaves the
// window gets in only if it was referenced more often of late than whom it would replace. Source:
// Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache admission policy", ACM ToS
// 13(4), 2017, section 4.
class WTinyLfuCache final : public BlockwiseCache {
 public:
  explicit WTinyLfuCache(const CacheSetup& setup)
      : window_limit_(std::max<size_t>(1, setup.capacity_blocks / 100)),
        main_limit_(setup.capacity_blocks - window_limit_),
        protected_limit_(main_limit_ * 4 / 5),
        lists_(setup.block_count(), kListCount),
        frequency_(setup.block_count(), setup.capacity_blocks) {}

  bool Holds(uint32_t block) const override { return lists_.ListOf(block) != BlockLists::kNone; }
  size_t size() const override { return lists_.size(kWindow) + main_size(); }

 private:
  enum List : uint8_t { kWindow, kProbation, kProtected, kListCount };

  size_t main_size() const { return lists_.size(kProbation) + lists_.size(kProtected); }

  void Reference(uint32_t block) override {
    frequency_.Add(block);
    switch (lists_.ListOf(block)) {
      case kWindow:
        lists_.MoveToBack(kWindow, block);
        return;
      case kProbation:
      case kProtected:
        lists_.MoveToBack(kProtected, block);
        if (lists_.size(kProtected) > protected_limit_) {
          lists_.PushBack(kProbation, lists_.PopFront(kProtected));
        }
        return;
      default:
        if (lists_.size(kWindow) == window_limit_) AdmitFromWindow();
        lists_.PushBack(kWindow, block);
    }
  }

  void AdmitFromWindow() {
    const uint32_t candidate = lists_.PopFront(kWindow);
    if (main_size() < main_limit_) {
      lists_.PushBack(kProbation, candidate);
      return;
    }
    if (main_limit_ == 0) return;
    const uint32_t victim = lists_.Front(lists_.empty(kProbation) ? kProtected : kProbation);
    if (frequency_.Of(candidate) <= frequency_.Of(victim)) return;
    lists_.Remove(victim);
    lists_.PushBack(kProbation, candidate);
  }

  const size_t window_limit_;
  const size_t main_limit_;
  const size_t protected_limit_;
  BlockLists lists_;  // least recent in front
  RecentFrequency frequency_;
};

}  // namespace

std::unique_ptr<BlockwiseCache> MakeWTinyLfuCache(const CacheSetup& setup) {
  return std::make_unique<WTinyLfuCache>(setup);
}

}  // namespace halflife::tools
