#include "storage/residency/categories/leaf_merge.h"

#include <algorithm>

namespace halflife {
namespace {

struct Group {
  Side sum;
  std::vector<size_t> leaves;
};

// Two groups, compared.
struct Pair {
  double distance = 0;
  SplitCandidate apart;
  bool are_alike = false;
};

class Merger {
 public:
  Merger(const std::vector<const Side*>& leaves, const BinHazard& prior,
         const GrowthOptions& options)
      : prior_(prior), options_(options), pairs_(leaves.size()) {
    for (size_t i = 0; i < leaves.size(); ++i) {
      groups_.push_back({*leaves[i], {i}});
      pairs_[i].resize(i);
      for (size_t j = 0; j < i; ++j) pairs_[i][j] = Compare(groups_[j], groups_[i]);
    }
  }

  void Run(const JoinObserver& joined) {
    while (true) {
      size_t kept = 0, merged = 0;
      for (size_t i = 0; i < groups_.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
          if (!pairs_[i][j].are_alike || groups_[i].leaves.empty() || groups_[j].leaves.empty()) {
            continue;
          }
          if (merged == 0 || Gain(i, j) < Gain(merged, kept)) merged = i, kept = j;
        }
      }
      if (merged == 0) return;
      const Pair& pair = pairs_[merged][kept];
      joined(groups_[kept].leaves, groups_[merged].leaves, pair.distance, pair.apart);
      Join(kept, merged);
    }
  }

  std::vector<std::vector<size_t>> groups() const {
    std::vector<std::vector<size_t>> groups;
    // A group is where its first leaf is, so that numbers follow the leaves.
    for (const Group& group : groups_) {
      if (!group.leaves.empty()) groups.push_back(group.leaves);
    }
    return groups;
  }

 private:
  double Gain(size_t i, size_t j) const { return pairs_[i][j].apart.train.gain(); }

  Pair Compare(const Group& a, const Group& b) const {
    IdleHistogram both = a.sum.train;
    both += b.sum.train;
    const double horizon_s = options_.horizon_s;
    Pair pair;
    pair.distance = CurveDistance(LifeTable(a.sum.train), LifeTable(b.sum.train), horizon_s);
    pair.apart = CompareSides(a.sum, b.sum, FitLeafModel(both, prior_, horizon_s));
    pair.are_alike =
        pair.distance < options_.merge_distance || !pair.apart.pays() || !pair.apart.holds();
    return pair;
  }

  void Join(size_t kept, size_t merged) {
    groups_[kept].sum += groups_[merged].sum;
    for (const size_t leaf : groups_[merged].leaves) groups_[kept].leaves.push_back(leaf);
    groups_[merged].leaves.clear();
    for (size_t i = 0; i < groups_.size(); ++i) {
      if (i == kept || groups_[i].leaves.empty()) continue;
      pairs_[std::max(i, kept)][std::min(i, kept)] =
          Compare(groups_[std::min(i, kept)], groups_[std::max(i, kept)]);
    }
  }

  const BinHazard& prior_;
  const GrowthOptions& options_;
  std::vector<Group> groups_;             // without leaves: joined with another
  std::vector<std::vector<Pair>> pairs_;  // [i][j] for j < i
};

}  // namespace

std::vector<std::vector<size_t>> GroupAlike(const std::vector<const Side*>& leaves,
                                            const BinHazard& prior, const GrowthOptions& options,
                                            const JoinObserver& joined) {
  Merger merger(leaves, prior, options);
  merger.Run(joined);
  return merger.groups();
}

}  // namespace halflife
