#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "storage/residency/model/idle_histogram.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Idle intervals of blocks that the daemon's model keeps in one queue: the same history group and
// the same multiplier of the request that touched them last. One life table says how soon they are
// reused, their index how long the model keeps them.
struct ReuseClass {
  uint8_t group = 0;
  uint8_t level = 0;
  // Every block counts one, unlike in the model's fit: capacity is counted in blocks.
  IdleHistogram intervals;
  // Of those that ended in reuse, by age: that were looked up, not absorbed in front; and what
  // these saved, in recompute time of a first block.
  std::array<double, kAgeBins> hits{};
  std::array<double, kAgeBins> hit_value{};
  std::vector<double> opened;            // intervals, by slot of time
  std::array<double, kAgeBins> index{};  // by age, as fitted at the end of the trace
};

// What a plan is computed from.
struct ReuseClasses {
  std::vector<ReuseClass> classes;
  int slots = 0;
  double slot_s = 0;
  double duration_s = 0;  // slots * slot_s; at least a nanosecond
  uint64_t requests = 0;
  uint32_t block_tokens = 0;
  uint64_t unique_blocks = 0;
  double lookup_blocks = 0;
  double lookup_value = 0;  // recompute time of all that was looked up
};

// Goes through the trace as the daemon's model does, learning online, and sorts every idle interval
// into the queue the model would have put its block in. About 32 bytes per unique block.
ReuseClasses LearnReuseClasses(const SimulatedTrace& trace);

}  // namespace halflife::tools
