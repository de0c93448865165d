#pragma once

#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// What is left of `trace` behind an engine's own cache, an LRU cache of `capacity_blocks` (at least
// 1): the hits in it are absorbed, and a request that hits it with all its blocks is not seen any
// more. The others are seen whole, because a lookup names the whole prefix and warms it.
SimulatedTrace WithFrontCache(const SimulatedTrace& trace, size_t capacity_blocks);

}  // namespace halflife::tools
