#pragma once

#include <cstdint>

#include "storage/residency/ssd_admission.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// What a hit is worth: the recompute time that it saves, which grows with depth, or one block.
enum class Objective { kTime, kHits };

// Blocks of a trace are of one size: whatever it is, a write budget is a number of blocks per day.
inline constexpr uint32_t kSimulatedBlockBytes = uint32_t{1} << 20;

// Everything a policy may need to be built. Borrows the trace, which outlives the cache; only the
// offline optimum looks at its requests.
struct CacheSetup {
  const SimulatedTrace* trace = nullptr;
  size_t capacity_blocks = 0;  // at least 1; both tiers together
  size_t dram_blocks = 0;      // how much of the capacity is DRAM; equal to it if there is one tier
  Objective objective = Objective::kHits;
  uint64_t seed = 1;
  // What is written to SSD. Counts a block as kSimulatedBlockBytes.
  SsdAdmission::Options admission;

  size_t block_count() const { return trace->block_count(); }
};

}  // namespace halflife::tools
