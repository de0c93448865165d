#pragma once

#include <vector>

#include "common/config/effective_config.h"

namespace halflife {

// Values that are each legal but contradict one another, or are not safe together. Each problem
// names every setting that takes part, with its value and its origin.
std::vector<ConfigProblem> CheckConsistency(const EffectiveConfig& config);

}  // namespace halflife
