#pragma once

#include <cstdint>
#include <vector>

#include "tools/plan/gap_counts.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Prefix-contiguous hits of LRU at every capacity at once. Immutable.
class RecencyCurve {
 public:
  // `added`: hits at c blocks - hits at c - 1.
  RecencyCurve(double lookup_blocks, const std::vector<double>& added);

  double lookup_blocks() const { return lookup_blocks_; }
  // Any capacity; above the number of unique blocks it is that of an infinite cache.
  double HitsAt(size_t capacity_blocks) const;
  double HitRatioAt(size_t capacity_blocks) const;

 private:
  const double lookup_blocks_;
  std::vector<double> hits_at_;  // by capacity in blocks, from 0
};

// By stack distances: LRU of C blocks holds the C blocks that were touched last, so that a
// reference hits where fewer than C blocks were touched since (Mattson et al., "Evaluation
// techniques for storage hierarchies", IBM Systems Journal 9(2), 1970). Exactly what the
// simulator's LRU hits at every capacity: a request touches its tail first, therefore a block
// always was touched after its descendants, and every hit is a prefix hit.
//
// Distances grow by one along a run of blocks that the same request touched last: a run costs one
// step in a Fenwick tree over the requests, not one per block over the references.
RecencyCurve ExactRecencyCurve(const SimulatedTrace& trace);

// The same with a weight for every reference, by its gap.
RecencyCurve WeightedRecencyCurve(const SimulatedTrace& trace, const GapCounts& weights);

}  // namespace halflife::tools
