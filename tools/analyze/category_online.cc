#include "tools/analyze/category_online.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "storage/residency/categories/tree_growth.h"
#include "tools/analyze/category_intervals.h"

namespace halflife::tools {
namespace {

// Fewer do not fill two categories in both windows.
constexpr uint32_t kFirstGrowth = 1000;
constexpr uint32_t kWindowRequests = 32'768;
constexpr int64_t kRegrowNs = int64_t{3600} * 1'000'000'000;
constexpr double kTrainShare = 0.75;

class OnlineTree {
 public:
  OnlineTree(const CategoryRequests& requests, const SimulatedTrace& trace)
      : requests_(requests), trace_(trace), intervals_(trace), numbers_{1} {}

  // Numbers start with 1: kUnknownCategory is the model's for requests that say nothing.
  Category CategoryOf(uint32_t r) {
    if (IsTimeToGrow(r)) Grow(r);
    return numbers_[tree_.CategoryOf(requests_.requests[r].levels)];
  }
  size_t changes() const { return changes_; }

 private:
  bool IsTimeToGrow(uint32_t r) const {
    if (r < kFirstGrowth) return false;
    return r >= 2 * grown_at_ || trace_.requests[r].time_ns >= grown_at_ns_ + kRegrowNs;
  }

  // From the requests before `r`.
  void Grow(uint32_t r) {
    grown_at_ = r;
    grown_at_ns_ = trace_.requests[r].time_ns;
    const uint32_t first = r - std::min(r, kWindowRequests);
    const uint32_t cut = first + static_cast<uint32_t>(kTrainShare * (r - first));
    const auto seen = [this](uint32_t begin, uint32_t end) {
      return intervals_.Observe(requests_, begin, end, trace_.requests[end - 1].time_ns);
    };
    const ObservationWindows windows{seen(first, cut), seen(cut, r)};
    GrowthOptions options;
    options.horizon_s =
        static_cast<double>(trace_.requests[r - 1].time_ns - trace_.requests[first].time_ns) * 1e-9;
    const GrownTree grown = GrowTree(windows, requests_.schema.Describe(), options);
    Renewal renewal = RenewTree(tree_, grown.tree, windows, options.horizon_s);
    if (!renewal.is_new) return;
    ++changes_;
    numbers_ = Renumbered(renewal.tree, first, r);
    tree_ = std::move(renewal.tree);
  }

  // A new category takes the number of the old one with which it has the most requests in common,
  // and if another one has that, a free one.
  std::vector<Category> Renumbered(const CategoryTree& next, uint32_t first, uint32_t end) const {
    std::vector<std::array<uint32_t, kMaxCategories>> common(next.category_count());
    for (uint32_t r = first; r < end; ++r) {
      const RequestLevels& levels = requests_.requests[r].levels;
      ++common[next.CategoryOf(levels)][numbers_[tree_.CategoryOf(levels)]];
    }
    std::vector<Category> numbers(next.category_count());
    std::array<bool, kMaxCategories> taken{};
    for (size_t round = 0; round < numbers.size(); ++round) {
      size_t best = numbers.size();
      Category best_number = 0;
      uint32_t most = 0;
      for (size_t c = 0; c < numbers.size(); ++c) {
        for (Category n = 1; numbers[c] == 0 && n < kMaxCategories; ++n) {
          if (!taken[n] && common[c][n] > most) best = c, best_number = n, most = common[c][n];
        }
      }
      if (best == numbers.size()) break;
      numbers[best] = best_number;
      taken[best_number] = true;
    }
    for (Category& number : numbers) {
      if (number != 0) continue;
      number = 1;
      while (taken[number]) ++number;
      taken[number] = true;
    }
    return numbers;
  }

  const CategoryRequests& requests_;
  const SimulatedTrace& trace_;
  const CategoryIntervals intervals_;
  CategoryTree tree_;
  std::vector<Category> numbers_;  // by category of the tree
  uint32_t grown_at_ = 0;
  int64_t grown_at_ns_ = 0;
  size_t changes_ = 0;
};

}  // namespace

size_t AssignTreeCategories(const CategoryRequests& requests, SimulatedTrace& trace) {
  OnlineTree tree(requests, trace);
  std::vector<Category> categories;
  Category highest = 0;
  for (uint32_t r = 0; r < trace.requests.size(); ++r) {
    categories.push_back(tree.CategoryOf(r));
    highest = std::max(highest, categories.back());
  }
  for (size_t r = 0; r < categories.size(); ++r) trace.requests[r].category = categories[r];
  trace.category_names = {"other"};
  for (Category c = 1; c <= highest; ++c) {
    trace.category_names.push_back("tree category " + std::to_string(c));
  }
  return tree.changes();
}

}  // namespace halflife::tools
