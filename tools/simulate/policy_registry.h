#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "tools/simulate/cache_setup.h"

namespace halflife::tools {

struct SimulatedPolicy {
  const char* name;
  const char* description;
  bool has_two_tiers;
  std::unique_ptr<SimulatedCache> (*make)(const CacheSetup& setup);
};

// Every policy that can be simulated, in the order of help and documentation.
absl::Span<const SimulatedPolicy> SimulatedPolicies();

// Returns: kInvalidArgument naming the known ones.
absl::StatusOr<const SimulatedPolicy*> FindPolicy(std::string_view name);
// Of a list separated by commas, each once, or "all". Returns: as FindPolicy.
absl::StatusOr<std::vector<const SimulatedPolicy*>> ParsePolicies(std::string_view list);

// "lru, fifo, …".
std::string PolicyNames();

}  // namespace halflife::tools
