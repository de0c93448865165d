#pragma once

#include <cstdint>

#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Marks requests whose callers tell the cache, when they have been served, that nobody comes back
// to their chain (a release hint): `share` of those whose last block the trace never names again,
// drawn by `seed`. Knows the future, as a caller who closes a session does.
void MarkReleases(double share, uint64_t seed, SimulatedTrace* trace);

}  // namespace halflife::tools
