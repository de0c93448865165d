#pragma once

#include <cstdint>

#include "tools/plan/gap_counts.h"
#include "tools/plan/recency_curve.h"
#include "tools/simulate/simulated_cache.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// The references of a trace to a hash sample of its blocks, as a trace of its own: a cache that is
// scaled down by `rate` does on it what the whole cache does on the whole trace (SHARDS,
// Waldspurger et al., FAST'15; miniature simulation, the same, ATC'17).
//
// Blocks are sampled one by one, and not whole chains: what LRU and the offline optimum hold is
// closed under prefixes, in the sample as in the whole, so that a hit of a sampled block is a
// prefix hit whoever is between it and the sampled block above it. Whole chains or sessions would
// vary more at the same number of blocks, because their blocks move together.
struct SpatialSample {
  SimulatedTrace trace;
  double rate = 1;  // sampled of all unique blocks
  // Blocks with more than 1 % of all references (a system prompt) are not left to chance: they are
  // not in `trace`, and count as held at any capacity.
  size_t hot_blocks = 0;
  double hot_lookups = 0;
  double hot_hits = 0;
  // Looked-up references of the whole trace that one of the sample stands for. Which blocks happen
  // to be sampled decides how often short gaps are among them; the whole trace says how often they
  // should be (post-stratification). SHARDS-adj, which counts all that is missing as hits, is off
  // by up to 3 points at small capacities of a coding-agent trace, this by 1 (docs/plan.md).
  GapCounts weights{};

  // Of a cache of `blocks` in the whole trace; at least 1.
  size_t ScaledCapacity(size_t blocks) const;
};

// `max_blocks` blocks, those of the smallest hashes, or the whole trace if it has no more.
SpatialSample SampleBlocks(const SimulatedTrace& trace, size_t max_blocks, uint64_t seed);

// Estimates of hit ratios of the whole trace: of LRU of `blocks`, with `curve` =
// WeightedRecencyCurve(sample.trace, sample.weights); of any policy that is closed under prefixes,
// with a fresh cache of scaled capacity.
double SampledRecencyRatio(const SpatialSample& sample, const RecencyCurve& curve, size_t blocks);
double SampledHitRatio(const SpatialSample& sample, SimulatedCache& cache);

}  // namespace halflife::tools
