#include "storage/residency/categories/split_search.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace halflife {
namespace {

std::vector<int> LevelsSeen(const LeafLevels& leaf, int attribute) {
  std::vector<int> seen;
  for (int level = 0; level < kMaxLevels; ++level) {
    if (leaf.level(attribute, level).train_requests > 0) seen.push_back(level);
  }
  return seen;
}

double ReuseShare(const Side& side) {
  const double all = side.train.intervals();
  return all > 0 ? side.train.reuses() / all : 0;
}

// What could go left, the smaller description of the two sides.
std::vector<LevelSet> SetsToTry(const LeafLevels& leaf, int attribute, bool is_ordered) {
  std::vector<int> levels = LevelsSeen(leaf, attribute);
  std::vector<LevelSet> sets;
  if (levels.size() < 2) return sets;
  if (!is_ordered) {
    for (const int level : levels) sets.push_back(SetOf(level));
    std::stable_sort(levels.begin(), levels.end(), [&](int a, int b) {
      return ReuseShare(leaf.level(attribute, a)) < ReuseShare(leaf.level(attribute, b));
    });
  }
  LevelSet all = 0;
  for (const int level : levels) all |= SetOf(level);
  LevelSet below = 0;
  for (size_t i = 0; i + 1 < levels.size(); ++i) {
    below |= SetOf(levels[i]);
    const LevelSet above = all & ~below;
    sets.push_back(is_ordered || std::popcount(below) <= std::popcount(above) ? below : above);
  }
  return sets;
}

// Both windows by one kind of model, fitted on the first.
struct Comparison {
  Likelihoods train;
  Likelihoods next;
  double required_nats = 0;

  double excess() const { return train.gain() - required_nats; }
};

template <typename Fit>
Comparison CompareBy(const Side& left, const Side& right, const Side& both, Fit fit) {
  const LeafModel models[] = {fit(both.train), fit(left.train), fit(right.train)};
  return {{models[0].LogLikelihood(both.train), models[1].LogLikelihood(left.train),
           models[2].LogLikelihood(right.train)},
          {models[0].LogLikelihood(both.next), models[1].LogLikelihood(left.next),
           models[2].LogLikelihood(right.next)},
          0};
}

}  // namespace

double RequiredNats(int parameters_of_one, size_t requests) {
  return (parameters_of_one + 1) / 2.0 * std::log(static_cast<double>(requests));
}

Side& Side::operator+=(const Side& added) {
  train += added.train;
  next += added.next;
  train_requests += added.train_requests;
  next_requests += added.next_requests;
  return *this;
}

SplitCandidate CompareSides(const Side& left, const Side& right, const LeafModel& together) {
  Side both = left;
  both += right;
  Comparison best = CompareBy(left, right, both, FitAsExponential);
  best.required_nats = RequiredNats(2, both.train_requests);
  SplitCandidate candidate;
  if (!together.uses_exponential) {
    // What differs may be the shape alone, which an exponential does not see.
    Comparison tables = CompareBy(left, right, both, [&](const IdleHistogram& intervals) {
      return FitAsLifeTable(intervals, together.hazard);
    });
    tables.required_nats = RequiredNats(LifeTableParameters(both.train), both.train_requests);
    candidate.is_by_exponentials = tables.excess() <= best.excess();
    if (!candidate.is_by_exponentials) best = tables;
  }
  candidate.train = best.train;
  candidate.next = best.next;
  candidate.required_nats = best.required_nats;
  candidate.left_requests = left.train_requests;
  candidate.right_requests = right.train_requests;
  return candidate;
}

LeafLevels::LeafLevels(const ObservationWindows& windows, absl::Span<const uint32_t> train,
                       absl::Span<const uint32_t> next)
    : sides_(kMaxAttributes) {
  Add(windows.train, train, true);
  Add(windows.next, next, false);
  for (const Side& side : sides_.front()) all_ += side;
}

void LeafLevels::Add(const ObservationTable& table, absl::Span<const uint32_t> requests,
                     bool is_train) {
  for (const uint32_t request : requests) {
    const RequestLevels& levels = table.levels(request);
    for (int a = 0; a < kMaxAttributes; ++a) {
      Side& side = sides_[a][levels[a]];
      ++(is_train ? side.train_requests : side.next_requests);
      table.AddTo(request, is_train ? side.train : side.next);
    }
  }
}

std::vector<SplitCandidate> FindSplits(const LeafLevels& leaf, const LeafModel& model,
                                       absl::Span<const AttributeDescription> attributes,
                                       const SplitOptions& options) {
  std::vector<SplitCandidate> best_of_each;
  for (size_t a = 0; a < attributes.size(); ++a) {
    const int attribute = static_cast<int>(a);
    SplitCandidate best;
    for (const LevelSet set : SetsToTry(leaf, attribute, attributes[a].is_ordered)) {
      Side left, right;
      for (int level = 0; level < kMaxLevels; ++level) {
        const Side& side = leaf.level(attribute, level);
        if (side.train_requests + side.next_requests == 0) continue;
        (Contains(set, level) ? left : right) += side;
      }
      if (std::min(left.train_requests, right.train_requests) < options.min_leaf_requests) continue;
      SplitCandidate candidate = CompareSides(left, right, model);
      candidate.attribute = attribute;
      candidate.left = set;
      if (best.attribute < 0 || candidate.excess() > best.excess()) best = candidate;
    }
    if (best.attribute >= 0) best_of_each.push_back(best);
  }
  std::stable_sort(best_of_each.begin(), best_of_each.end(),
                   [](const auto& a, const auto& b) { return a.excess() > b.excess(); });
  return best_of_each;
}

}  // namespace halflife
