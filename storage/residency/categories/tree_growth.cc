#include "storage/residency/categories/tree_growth.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "storage/residency/categories/leaf_merge.h"

namespace halflife {
namespace {

// Questions that a leaf tries on the next window before it gives up: every try is one more chance
// to be lucky there.
constexpr size_t kMaxTries = 3;
// Of splitting and joining. A pair that was joined and split again the same way would go round.
constexpr int kMaxRounds = 4;
// Joined leaves are split in every place; 32 categories need 63 nodes if nothing is joined.
constexpr size_t kMaxNodes = 255;

class Grower {
 public:
  Grower(const ObservationWindows& windows, absl::Span<const AttributeDescription> attributes,
         const GrowthOptions& options)
      : windows_(windows), attributes_(attributes), options_(options), tree_(options.pins) {}

  GrownTree Run() {
    Leaf root{{0}, Unpinned(windows_.train), Unpinned(windows_.next), {}, {}};
    const size_t train_requests = root.train.size();
    const size_t next_requests = root.next.size();
    IdleHistogram all;
    for (const uint32_t request : root.train) windows_.train.AddTo(request, all);
    prior_ = FitLeafModel(all, PriorHazard(all), options_.horizon_s).hazard;
    leaves_.push_back(std::move(root));
    Question(leaves_.back());
    for (int round = 0; round < kMaxRounds; ++round) {
      while (SplitBest()) {
      }
      if (!Merge()) break;
    }
    NumberCategories();
    for (Leaf& leaf : leaves_) {
      if (leaf.best.outcome == GrowthStep::Outcome::kSplit) {
        leaf.best.outcome = GrowthStep::Outcome::kLeafLimit;
      }
      steps_.push_back(std::move(leaf.best));
    }
    return {tree_.Refitted(windows_.train, options_.horizon_s), std::move(steps_),
            std::move(merges_), train_requests, next_requests};
  }

 private:
  // Several nodes once leaves that behave alike are joined.
  struct Leaf {
    std::vector<int> nodes;
    std::vector<uint32_t> train;  // its requests
    std::vector<uint32_t> next;
    GrowthStep best;
    Side side;
  };

  std::vector<uint32_t> Unpinned(const ObservationTable& table) const {
    std::vector<uint32_t> requests;
    for (size_t i = 0; i < table.request_count(); ++i) {
      if (tree_.LeafOf(table.levels(i)) >= 0) requests.push_back(static_cast<uint32_t>(i));
    }
    return requests;
  }

  // Finds what the leaf would split by.
  void Question(Leaf& leaf) const {
    const LeafLevels levels(windows_, leaf.train, leaf.next);
    leaf.side = levels.all();
    leaf.best = {GrowthStep::Outcome::kNoQuestion, leaf.nodes, leaf.train.size(), {}};
    const LeafModel model = FitLeafModel(leaf.side.train, prior_, options_.horizon_s);
    const auto candidates = FindSplits(levels, model, attributes_, options_.split);
    if (candidates.empty()) return;
    leaf.best.candidate = candidates.front();
    leaf.best.outcome = candidates.front().pays() ? GrowthStep::Outcome::kNotHeldOut
                                                  : GrowthStep::Outcome::kGainTooSmall;
    for (size_t i = 0; i < std::min(kMaxTries, candidates.size()); ++i) {
      if (!candidates[i].pays() || !candidates[i].holds()) continue;
      leaf.best.candidate = candidates[i];
      leaf.best.outcome = GrowthStep::Outcome::kSplit;
      return;
    }
  }

  bool SplitBest() {
    if (leaves_.size() >= static_cast<size_t>(options_.max_leaves)) return false;
    Leaf* best = nullptr;
    for (Leaf& leaf : leaves_) {
      if (leaf.best.outcome != GrowthStep::Outcome::kSplit) continue;
      if (tree_.nodes().size() + 2 * leaf.nodes.size() > kMaxNodes) continue;
      const double gain = leaf.best.candidate.train.gain();
      if (best == nullptr || gain > best->best.candidate.train.gain()) best = &leaf;
    }
    if (best == nullptr) return false;
    steps_.push_back(best->best);
    auto [left, right] = Divide(*best);
    Question(left);
    Question(right);
    *best = std::move(left);
    leaves_.push_back(std::move(right));
    return true;
  }

  std::pair<Leaf, Leaf> Divide(const Leaf& leaf) {
    const SplitCandidate& question = leaf.best.candidate;
    Leaf left, right;
    for (const int node : leaf.nodes) {
      const int left_node = tree_.Split(node, question.attribute, question.left);
      left.nodes.push_back(left_node);
      right.nodes.push_back(left_node + 1);
    }
    const auto divide = [&](const ObservationTable& table, std::vector<uint32_t> Leaf::*requests) {
      for (const uint32_t request : leaf.*requests) {
        const int level = table.levels(request)[question.attribute];
        (Contains(question.left, level) ? left.*requests : right.*requests).push_back(request);
      }
    };
    divide(windows_.train, &Leaf::train);
    divide(windows_.next, &Leaf::next);
    return {std::move(left), std::move(right)};
  }

  // Whether any leaves were joined.
  bool Merge() {
    std::vector<const Side*> sides;
    for (const Leaf& leaf : leaves_) sides.push_back(&leaf.side);
    const auto nodes_of = [this](const std::vector<size_t>& group) {
      std::vector<int> nodes;
      for (const size_t leaf : group) AppendSorted(leaves_[leaf].nodes, nodes);
      return nodes;
    };
    const auto groups = GroupAlike(
        sides, prior_, options_,
        [&](const auto& kept, const auto& merged, double distance, const SplitCandidate& apart) {
          merges_.push_back({nodes_of(kept), nodes_of(merged), distance, apart});
        });
    const bool any = groups.size() < leaves_.size();
    std::vector<Leaf> joined;
    for (const std::vector<size_t>& group : groups) {
      Leaf leaf = std::move(leaves_[group.front()]);
      for (size_t i = 1; i < group.size(); ++i) {
        AppendSorted(leaves_[group[i]].nodes, leaf.nodes);
        AppendSorted(leaves_[group[i]].train, leaf.train);
        AppendSorted(leaves_[group[i]].next, leaf.next);
      }
      if (group.size() > 1) Question(leaf);
      joined.push_back(std::move(leaf));
    }
    leaves_ = std::move(joined);
    return any;
  }

  template <typename T>
  static void AppendSorted(const std::vector<T>& added, std::vector<T>& all) {
    const auto middle = static_cast<std::ptrdiff_t>(all.size());
    all.insert(all.end(), added.begin(), added.end());
    std::inplace_merge(all.begin(), all.begin() + middle, all.end());
  }

  void NumberCategories() {
    std::sort(leaves_.begin(), leaves_.end(),
              [](const Leaf& a, const Leaf& b) { return a.nodes.front() < b.nodes.front(); });
    std::vector<int> category_of_node(tree_.nodes().size());
    for (size_t i = 0; i < leaves_.size(); ++i) {
      for (const int node : leaves_[i].nodes) category_of_node[node] = static_cast<int>(i);
    }
    std::vector<int> categories;
    for (const int node : tree_.leaves()) categories.push_back(category_of_node[node]);
    tree_.NumberLeaves(categories);
  }

  const ObservationWindows& windows_;
  const absl::Span<const AttributeDescription> attributes_;
  const GrowthOptions& options_;
  CategoryTree tree_;
  BinHazard prior_{};
  std::vector<Leaf> leaves_;
  std::vector<GrowthStep> steps_;
  std::vector<MergeStep> merges_;
};

}  // namespace

GrownTree GrowTree(const ObservationWindows& windows,
                   absl::Span<const AttributeDescription> attributes,
                   const GrowthOptions& options) {
  return Grower(windows, attributes, options).Run();
}

Renewal RenewTree(const CategoryTree& current, const CategoryTree& grown,
                  const ObservationWindows& windows, double horizon_s) {
  const CategoryTree known = current.Refitted(windows.train, horizon_s);
  const CategoryTree other = grown.Refitted(windows.train, horizon_s);
  const double known_nats = known.LogLikelihood(windows.next);
  const double other_nats = other.LogLikelihood(windows.next);
  const bool is_better =
      other_nats - known_nats > 0 && other_nats - known_nats >= kRenewalGain * std::abs(known_nats);
  return {is_better ? other : known, is_better, known_nats, other_nats};
}

}  // namespace halflife
