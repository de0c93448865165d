#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "storage/residency/categories/leaf_model.h"
#include "storage/residency/categories/observation_table.h"
#include "storage/residency/categories/request_levels.h"

namespace halflife {

// What one leaf's model says of the observations, and what two do: nats (ln of probability).
struct Likelihoods {
  double together = 0;
  double left = 0;
  double right = 0;

  double gain() const { return left + right - together; }
};

// A question that a leaf could ask.
struct SplitCandidate {
  int attribute = -1;  // < 0: none
  LevelSet left = 0;
  size_t left_requests = 0;  // in the window that is learned from
  size_t right_requests = 0;
  // All by exponentials or all by life tables, fitted on the window that is learned from, whichever
  // shows the split better. Never mixed: the gain has to be the split's, not that of another kind
  // of model (a life table over a mixture predicts better than two rough exponentials: on planted
  // categories, mixing stopped 1 tree in 20 at its root).
  Likelihoods train;
  Likelihoods next;
  bool is_by_exponentials = true;
  double required_nats = 0;  // that `train` must gain

  double excess() const { return train.gain() - required_nats; }
  bool pays() const { return excess() > 0; }
  bool holds() const { return next.gain() > 0; }
};

// What training has to gain so that two models are worth it: BIC's price of the parameters that
// come with them and of the question itself, ln(n)/2 each (Schwarz, "Estimating the dimension of a
// model", Ann. Statist. 6, 1978): 3/2 ln n for exponentials.
double RequiredNats(int parameters_of_one, size_t requests);

// One side of a question.
struct Side {
  IdleHistogram train;
  IdleHistogram next;
  size_t train_requests = 0;
  size_t next_requests = 0;

  Side& operator+=(const Side& added);
};
// `together`: the model of both.
SplitCandidate CompareSides(const Side& left, const Side& right, const LeafModel& together);

// A leaf's observations by attribute and level.
class LeafLevels {
 public:
  // The requests with these positions in the windows.
  LeafLevels(const ObservationWindows& windows, absl::Span<const uint32_t> train,
             absl::Span<const uint32_t> next);

  // By attribute, then level.
  const Side& level(int attribute, int level) const { return sides_[attribute][level]; }
  const Side& all() const { return all_; }

 private:
  void Add(const ObservationTable& table, absl::Span<const uint32_t> requests, bool is_train);

  std::vector<std::array<Side, kMaxLevels>> sides_;
  Side all_;
};

struct SplitOptions {
  size_t min_leaf_requests = 200;  // fewer do not fix a survival curve to better than .07 (2 sigma)
};

// The best question of every attribute that has one with enough requests on both sides, by what it
// gains in training beyond what is required. Ordered attributes are cut between neighbours; of
// others, one level is told from the rest, and the levels with the smallest share of reuse from
// those with more (for two classes the best of all partitions is among these: Breiman et al.,
// "Classification and Regression Trees", 1984, 9.4).
std::vector<SplitCandidate> FindSplits(const LeafLevels& leaf, const LeafModel& model,
                                       absl::Span<const AttributeDescription> attributes,
                                       const SplitOptions& options);

}  // namespace halflife
