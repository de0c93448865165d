#pragma once

#include <cstdint>

#include "storage/residency/live/request_sample.h"

namespace halflife {

// What any cache could have hit of what was looked up lately, and why the rest was missed.
struct HitCeilings {
  // What is counted: look-ups of this time, and these many of their blocks were sampled.
  double window_s = 0;
  uint64_t lookup_blocks = 0;
  uint64_t hit_blocks = 0;
  uint64_t sampled_blocks = 0;
  double sample_rate = 1;

  double hit_ratio = 0;
  // Of a cache without a limit.
  double infinite_hit_ratio = 0;
  // Of the offline optimum (ChainOptimum) at the capacity of both tiers together: that many blocks.
  double optimal_hit_ratio = 0;
  uint64_t capacity_blocks = 0;

  // Of the blocks looked up; with hit_ratio they add up to 1.
  double lost_to_compulsory_ratio = 0;  // nobody had asked for them before
  double lost_to_capacity_ratio = 0;    // the optimum would have missed them as well
  double lost_to_policy_ratio = 0;      // the optimum would have hit them
  // Seen before, and then deleted or damaged, or their tier did not serve: no policy's doing.
  double lost_otherwise_ratio = 0;
};

// Exact where everything is sampled and nothing has been dropped; then these are the numbers of
// `halflife simulate --policy infinite,optimum` on the same requests. Else the first half of the
// time only warms the optimum up, and the rest is counted. Sampled misses are scaled to all misses,
// which are counted exactly, so that a hot block in or out of the sample does not matter: it is
// never missed. As in a simulation, what was looked up counts as put afterwards.
//
// `capacity_bytes`: of both tiers. About 100 ms for a full sample.
HitCeilings CeilingsOf(const RequestSample::Snapshot& sample, uint64_t capacity_bytes);

}  // namespace halflife
