#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "tools/simulate/capacity.h"
#include "tools/simulate/policy_registry.h"
#include "tools/simulate/simulation.h"

namespace halflife::tools {

struct GridOptions {
  std::vector<const SimulatedPolicy*> policies;
  std::vector<TraceCapacity> capacities;
  // Share of the capacity that is DRAM; the rest is SSD. Policies of one tier have it all in one.
  double dram_share = 1;
  // Writes to SSD that may be made: blocks per day, 0 = no limit.
  double write_budget_blocks_per_day = 0;
  SsdAdmission::Rule admission_rule = SsdAdmission::Rule::kScore;
  Objective objective = Objective::kHits;
  uint64_t seed = 1;
  bool second_half_only = false;
  int jobs = 1;
};

// One policy at one capacity.
struct GridCell {
  const SimulatedPolicy* policy = nullptr;
  TraceCapacity capacity;
  size_t dram_blocks = 0;
  double write_budget_blocks_per_day = 0;  // 0 = no limit
  SimulationResult result;
  double seconds = 0;  // to build the cache and serve the trace
  // Of LRU and of the offline optimum at this capacity, in one tier.
  double lru_hit_ratio = 0;
  double optimum_hit_ratio = 0;

  // How much of the way from LRU to the optimum this policy goes: 0 is LRU, 1 the optimum, negative
  // below LRU; not known where the two are equal.
  std::optional<double> gap_closed() const;
};

// Called on the caller's thread, about ten times a second, with the share that is done and the
// number of requests simulated so far.
using GridProgress = std::function<void(double share, uint64_t requests)>;

// Simulates every policy at every capacity, `jobs` at a time, and returns the cells policy by
// policy. Each is simulated by one thread from the same start: the result does not depend on
// `jobs`, but for the seconds.
std::vector<GridCell> RunGrid(const SimulatedTrace& trace, const GridOptions& options,
                              const GridProgress& progress = {});

}  // namespace halflife::tools
