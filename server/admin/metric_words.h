#pragma once

#include <cstdint>

#include "storage/residency/residency_policy.h"

namespace halflife {

// What the files that fill a MetricPage share.

// Tiers as the values of a label.
inline constexpr const char* kTierNames[kTierCount] = {"dram", "ssd"};

// A count as Prometheus has it.
inline double D(uint64_t count) { return static_cast<double>(count); }

}  // namespace halflife
