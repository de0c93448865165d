#pragma once

#include <array>

#include "storage/residency/model/age_bins.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Something per reference, by the time since its block was touched last: one entry per age bin, and
// one for blocks that were never touched.
using GapCounts = std::array<double, kAgeBins + 1>;
inline constexpr int kNeverTouched = kAgeBins;

inline int GapBinOf(int64_t last_ns, int64_t now_ns) {
  return AgeBinOf(static_cast<double>(now_ns - last_ns) * 1e-9);
}

// Looked-up references of a trace.
GapCounts LookupsByGap(const SimulatedTrace& trace);

}  // namespace halflife::tools
