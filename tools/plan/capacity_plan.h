#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/plan/capacity_curve.h"
#include "tools/plan/hardware.h"
#include "tools/plan/recency_curve.h"
#include "tools/plan/tier_split.h"

namespace halflife::tools {

// What is wanted: one of the two.
struct PlanTarget {
  std::optional<double> hit_ratio;  // prefix-contiguous blocks of all that are looked up
  std::optional<double> mean_ttft_s;
};

// One capacity of the printed curve. Ratios of looked-up blocks, over the whole trace.
struct PlanPoint {
  double share = 0;  // of the trace's unique full blocks
  double blocks = 0;
  double clairvoyant = 0;
  double halflife = 0;
  double lru = 0;
  double exact_lru = 0;
  double steady_halflife = 0;
  double steady_lru = 0;
  double saved_recompute = 0;  // share of the recompute time, Halflife
  double hits_per_block = 0;   // of the next block, Halflife; over the trace
  double value_per_block = 0;
};

// The smallest cache that meets the target under one order.
struct PlanSize {
  std::string policy;
  std::optional<double> blocks;       // none: no size does
  std::optional<double> low_blocks;   // if the curve is too low by the error bar
  std::optional<double> high_blocks;  // if it is too high
};

struct CapacityPlan {
  double target_hit_ratio = 0;   // given, or what Halflife hits at the size that meets the TTFT
  double ceiling_hit_ratio = 0;  // of an infinite cache
  // Largest distance of the life tables' LRU curve from the exact one of this trace, over the
  // points of 0.5 % and more.
  double error_ratio = 0;
  std::vector<PlanSize> sizes;  // clairvoyant (sampled optimum, Little's floor), Halflife, LRU
  std::vector<PlanPoint> curve;
  // At the size for Halflife; not set if no size meets the target.
  std::optional<TierSplit> split;
  ExpectedHits next;  // what one more block adds there
  // Inputs
  uint64_t optimum_sample_blocks = 0;
  uint64_t seed = 1;
};

// Returns: kInvalidArgument naming the ceiling if an infinite cache does not meet the target; or if
// no time passes in the trace.
absl::StatusOr<CapacityPlan> MakePlan(const SimulatedTrace& trace, const ReuseClasses& reuse,
                                      const PlanTarget& target, const Hardware& hardware);

// Smallest capacity at which the offline optimum hits the given share, from a spatial sample;
// within 1 point of the exact optimum (docs/plan.md).
std::optional<double> SampledOptimumCapacity(const SimulatedTrace& trace, double hit_ratio);

}  // namespace halflife::tools
