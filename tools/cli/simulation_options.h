#pragma once

#include <cstdint>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "tools/analyze/category_requests.h"
#include "tools/cli/context.h"
#include "tools/simulate/simulation_grid.h"
#include "tools/simulate/simulation_report.h"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {

// What `simulate` and `sweep` have in common.
struct SimulationOptions {
  std::string path;
  TraceOptions trace;
  std::string policies;
  std::string objective = "hits";  // as the daemon's default
  uint64_t seed = 1;
  int jobs = 0;                           // 0 = one per CPU
  std::string dram;                       // share of the capacity; empty = all of it
  std::string ssd;                        // the other way round
  std::string write_budget;               // as ParseWriteBudget reads it; empty = none
  std::string admission = "score";        // or "hit-twice"
  std::string front;                      // capacity of a front cache; empty = none
  std::string categories = "attributes";  // or "tree"
  std::string released;                   // share of the ends that are told; empty = none
  bool second_half = false;
  bool details = false;      // columns beyond those of the contract
  uint64_t token_bytes = 0;  // set by AddSimulationOptions
};

// Simulations at a time: `jobs`, or one per CPU if it is 0.
int JobsOrCpus(int jobs);

void AddSimulationOptions(CLI::App* command, SimulationOptions& options);

// Loads the trace, simulates `capacities` and prints. Prints what is wrong. Returns: the exit code.
int RunSimulations(const Context& context, const SimulationOptions& options,
                   const std::vector<Capacity>& capacities, RowsAre rows);

// The trace of a source, or in `path`, for simulation, with progress. Returns: what
// TraceReader::Open and LoadSimulatedTrace return. `recorded`: unless null, gets what the requests
// say of themselves.
absl::StatusOr<SimulatedTrace> LoadRequests(const Context& context, RequestSource& source,
                                            CategoryRequests* recorded = nullptr);
absl::StatusOr<SimulatedTrace> LoadTrace(const Context& context, const std::string& path,
                                         const TraceOptions& options,
                                         CategoryRequests* recorded = nullptr);

}  // namespace halflife::tools
