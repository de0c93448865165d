#pragma once

#include <cstdint>
#include <functional>

#include "tools/simulate/cache_setup.h"

namespace halflife::tools {

struct SimulationResult {
  uint64_t lookup_blocks = 0;
  uint64_t hit_blocks = 0;
  double lookup_value = 0;  // recompute time, in units of a first block's (RecomputeValue)
  double hit_value = 0;     // thereof saved
  uint64_t ssd_hit_blocks = 0;
  uint64_t ssd_written_blocks = 0;
  uint64_t ssd_refused_blocks = 0;           // for want of a write budget
  uint64_t ssd_most_in_a_minute_blocks = 0;  // writes; of the whole trace

  double hit_ratio() const {
    return lookup_blocks == 0
               ? 0
               : static_cast<double>(hit_blocks) / static_cast<double>(lookup_blocks);
  }
  double saved_recompute_ratio() const { return lookup_value > 0 ? hit_value / lookup_value : 0; }
};

// Gives `cache` every request of `trace`, in order, and counts: all of them, or those of the second
// half of the requests. Calls `served` every few requests with how many there were since the last
// call.
SimulationResult Simulate(const SimulatedTrace& trace, SimulatedCache& cache, bool second_half_only,
                          const std::function<void(uint64_t)>& served = {});

}  // namespace halflife::tools
