#pragma once

#include <cstdint>

#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// What a hit is worth: the recompute time that it saves, which grows with depth, or one block.
enum class Objective { kTime, kHits };

// Everything a policy may need to be built. Borrows the trace, which outlives the cache; only the
// offline optimum looks at its requests.
struct CacheSetup {
  const SimulatedTrace* trace = nullptr;
  size_t capacity_blocks = 0;  // at least 1; both tiers together
  size_t dram_blocks = 0;      // how much of the capacity is DRAM; equal to it if there is one tier
  Objective objective = Objective::kHits;
  uint64_t seed = 1;

  size_t block_count() const { return trace->block_count(); }
};

// Recompute time that a hit of a block at `depth` saves, in units of a first block's. A token costs
// 2 * parameters FLOPs plus 4 * layers * hidden FLOPs per token before it; both are equal at 27,000
// (Llama-2-7B) to 38,000 tokens of prefix (Qwen2.5-7B): 35,000 stands for the 7B class.
inline constexpr double kTokensThatDoubleTheCost = 35'000;
inline double RecomputeValue(uint32_t depth, uint32_t block_tokens) {
  return 1.0 + static_cast<double>(depth) * block_tokens / kTokensThatDoubleTheCost;
}

}  // namespace halflife::tools
