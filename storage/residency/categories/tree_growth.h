#pragma once

#include <vector>

#include "absl/types/span.h"
#include "storage/residency/categories/category_tree.h"
#include "storage/residency/categories/split_search.h"

namespace halflife {

struct GrowthOptions {
  SplitOptions split;
  double horizon_s = 0;  // no interval was watched for longer
  int max_leaves = 32;   // more cost queues and say less: the planted tests find 8 cells with 9
  // Leaves whose life tables are nowhere further apart are one category.
  double merge_distance = 0.02;
  std::vector<CategoryPin> pins;
};

// What became of a leaf's best question.
struct GrowthStep {
  enum class Outcome {
    kSplit,
    kNoQuestion,    // every attribute is the same for nearly all of its requests
    kGainTooSmall,  // less than chance might give
    kNotHeldOut,    // the next window is predicted better without
    kLeafLimit,     // it would have split
  };
  Outcome outcome = Outcome::kNoQuestion;
  std::vector<int> nodes;  // the leaf; several if it was made of leaves that behave alike
  size_t requests = 0;     // in training
  SplitCandidate candidate;
};

// Two leaves that became one.
struct MergeStep {
  std::vector<int> kept;  // nodes
  std::vector<int> merged;
  double distance = 0;   // of their life tables
  SplitCandidate apart;  // what keeping them apart would gain
};

struct GrownTree {
  CategoryTree tree;              // fitted on the training window
  std::vector<GrowthStep> steps;  // splits in their order, then what every leaf would split by
  std::vector<MergeStep> merges;
  size_t train_requests = 0;  // that no pin takes
  size_t next_requests = 0;
};

// Grows a tree greedily: of all leaves, the one whose best question gains most likelihood on the
// training window is split, if the gain is worth its parameters (RequiredNats) and the window after
// it is predicted better too. Then leaves that behave alike become one category: those that the
// same test would not tell apart. Pure and deterministic. Source of rule and limits: the study
// behind arXiv 2506.02634 (one simple model, find where it fails, split, validate), with a test
// against planted categories in category_tree_growth_test.cc.
GrownTree GrowTree(const ObservationWindows& windows,
                   absl::Span<const AttributeDescription> attributes, const GrowthOptions& options);

// Whether to change trees.
struct Renewal {
  CategoryTree tree;  // the chosen one, fitted on the training window
  bool is_new = false;
  // Of the next window, by either tree fitted on the training window.
  double current_nats = 0;
  double grown_nats = 0;
};

// The tree that is known is kept unless the new one makes the next window likelier by this share:
// categories that change for nothing cost what was learned about them, and the operator's trust.
inline constexpr double kRenewalGain = 0.005;
Renewal RenewTree(const CategoryTree& current, const CategoryTree& grown,
                  const ObservationWindows& windows, double horizon_s);

}  // namespace halflife
