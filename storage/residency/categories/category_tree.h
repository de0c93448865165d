#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/residency/categories/leaf_model.h"
#include "storage/residency/categories/observation_table.h"
#include "storage/residency/categories/request_levels.h"

namespace halflife {

// A category that an operator wants, whatever was learned. Not for what the tree finds itself: a
// pinned category is not split, and its requests are not used to grow the tree.
struct CategoryPin {
  std::string name;
  std::vector<LevelRule> rules;  // any of them
};

// Sorts requests into categories by what is known of them when they start. Pins come first, in
// their order; whatever they leave goes down a binary tree of questions about one attribute each.
// Several leaves can be one category (TreeGrowth merges those that behave alike).
//
// Immutable but for assignment; share it as shared_ptr<const CategoryTree>.
class CategoryTree {
 public:
  struct Node {
    int attribute = -1;  // < 0: a leaf
    LevelSet left = 0;   // levels that go left; all others, those never seen too, go right
    int left_child = -1;
    int right_child = -1;
    int category = 0;  // of a leaf
  };
  struct Category {
    LeafModel model;
    size_t requests = 0;  // that it was fitted on
  };

  // One category for everything that is not pinned.
  explicit CategoryTree(std::vector<CategoryPin> pins = {});

  // Dense, from 0, pins first; O(pins + depth).
  int CategoryOf(const RequestLevels& levels) const;

  size_t category_count() const { return categories_.size(); }
  const Category& category(int number) const { return categories_[number]; }
  const std::vector<CategoryPin>& pins() const { return pins_; }
  const std::vector<Node>& nodes() const { return nodes_; }  // the root is first
  // Of every leaf of the category, or of its pin: what its requests have in common.
  std::vector<LevelRule> RulesOf(int category) const;
  LevelRule RuleOfNode(int node) const;

  // The same questions with the models fitted anew. Few observations are drawn to the fit of all.
  CategoryTree Refitted(const ObservationTable& observations, double horizon_s) const;
  // In nats, by the models as they are.
  double LogLikelihood(const ObservationTable& observations) const;

  // --- For whoever grows it
  // Turns a leaf into a question. Returns its left child; the right one is the next.
  int Split(int leaf, int attribute, LevelSet left);
  // Gives the leaves, in the order of leaves(), these categories (dense, from 0), behind the pins.
  void NumberLeaves(const std::vector<int>& category_of_leaf);
  std::vector<int> leaves() const;  // nodes
  // The node where a request ends that no pin takes; -1 if one does.
  int LeafOf(const RequestLevels& levels) const;

 private:
  int PinOf(const RequestLevels& levels) const;

  std::vector<CategoryPin> pins_;
  std::vector<Node> nodes_;
  std::vector<Category> categories_;
};

}  // namespace halflife
