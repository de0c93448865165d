#include "storage/residency/categories/category_tree.h"

#include <algorithm>
#include <utility>

namespace halflife {

CategoryTree::CategoryTree(std::vector<CategoryPin> pins)
    : pins_(std::move(pins)), nodes_(1), categories_(pins_.size() + 1) {
  nodes_.front().category = static_cast<int>(pins_.size());
}

int CategoryTree::PinOf(const RequestLevels& levels) const {
  for (size_t i = 0; i < pins_.size(); ++i) {
    const std::vector<LevelRule>& rules = pins_[i].rules;
    if (std::any_of(rules.begin(), rules.end(),
                    [&levels](const LevelRule& rule) { return Matches(rule, levels); })) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

int CategoryTree::LeafOf(const RequestLevels& levels) const {
  if (PinOf(levels) >= 0) return -1;
  int node = 0;
  while (nodes_[node].attribute >= 0) {
    const bool goes_left = Contains(nodes_[node].left, levels[nodes_[node].attribute]);
    node = goes_left ? nodes_[node].left_child : nodes_[node].right_child;
  }
  return node;
}

int CategoryTree::CategoryOf(const RequestLevels& levels) const {
  const int leaf = LeafOf(levels);
  return leaf < 0 ? PinOf(levels) : nodes_[leaf].category;
}

LevelRule CategoryTree::RuleOfNode(int node) const {
  LevelRule rule = AnyLevels();
  // Children come behind their parent.
  for (int parent = node - 1; parent >= 0; --parent) {
    const Node& question = nodes_[parent];
    if (question.attribute < 0) continue;
    if (question.left_child != node && question.right_child != node) continue;
    rule[question.attribute] &= question.left_child == node ? question.left : ~question.left;
    node = parent;
  }
  return rule;
}

std::vector<LevelRule> CategoryTree::RulesOf(int category) const {
  if (static_cast<size_t>(category) < pins_.size()) return pins_[category].rules;
  std::vector<LevelRule> rules;
  for (const int leaf : leaves()) {
    if (nodes_[leaf].category == category) rules.push_back(RuleOfNode(leaf));
  }
  return rules;
}

std::vector<int> CategoryTree::leaves() const {
  std::vector<int> leaves;
  for (size_t node = 0; node < nodes_.size(); ++node) {
    if (nodes_[node].attribute < 0) leaves.push_back(static_cast<int>(node));
  }
  return leaves;
}

int CategoryTree::Split(int leaf, int attribute, LevelSet left) {
  const int left_child = static_cast<int>(nodes_.size());
  const int right_category = static_cast<int>(categories_.size());
  nodes_.push_back({.category = nodes_[leaf].category});
  nodes_.push_back({.category = right_category});
  categories_.emplace_back();
  nodes_[leaf].attribute = attribute;
  nodes_[leaf].left = left;
  nodes_[leaf].left_child = left_child;
  nodes_[leaf].right_child = left_child + 1;
  return left_child;
}

void CategoryTree::NumberLeaves(const std::vector<int>& category_of_leaf) {
  const std::vector<int> leaf_nodes = leaves();
  int count = 0;
  for (size_t i = 0; i < leaf_nodes.size(); ++i) {
    nodes_[leaf_nodes[i]].category = static_cast<int>(pins_.size()) + category_of_leaf[i];
    count = std::max(count, category_of_leaf[i] + 1);
  }
  categories_.assign(pins_.size() + count, {});
}

CategoryTree CategoryTree::Refitted(const ObservationTable& observations, double horizon_s) const {
  std::vector<IdleHistogram> histograms(categories_.size());
  IdleHistogram all;
  CategoryTree refitted = *this;
  for (Category& category : refitted.categories_) category.requests = 0;
  for (size_t request = 0; request < observations.request_count(); ++request) {
    const int category = CategoryOf(observations.levels(request));
    observations.AddTo(request, histograms[category]);
    ++refitted.categories_[category].requests;
  }
  for (const IdleHistogram& histogram : histograms) all += histogram;
  const BinHazard prior = FitLeafModel(all, PriorHazard(all), horizon_s).hazard;
  for (size_t c = 0; c < categories_.size(); ++c) {
    LeafModel& model = refitted.categories_[c].model;
    model = FitLeafModel(histograms[c], prior, horizon_s);
    if (histograms[c].intervals() <= 0) model.hazard = prior;
  }
  return refitted;
}

double CategoryTree::LogLikelihood(const ObservationTable& observations) const {
  std::vector<IdleHistogram> histograms(categories_.size());
  for (size_t request = 0; request < observations.request_count(); ++request) {
    observations.AddTo(request, histograms[CategoryOf(observations.levels(request))]);
  }
  double sum = 0;
  for (size_t c = 0; c < categories_.size(); ++c) {
    sum += categories_[c].model.LogLikelihood(histograms[c]);
  }
  return sum;
}

}  // namespace halflife
