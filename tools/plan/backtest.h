#pragma once

#include <string>
#include <vector>

#include "tools/plan/reuse_classes.h"
#include "tools/simulate/simulation_grid.h"

namespace halflife::tools {

struct BacktestRow {
  std::string policy;
  std::string capacity;
  uint64_t blocks = 0;
  double predicted = 0;  // hit ratios
  double simulated = 0;
};

struct BacktestError {
  std::string policy;
  double mean_absolute = 0;
  double largest = 0;
};

// What a running cache showed.
struct Observation {
  std::string source;
  uint64_t capacity_blocks = 0;
  double hit_ratio = 0;
};
struct ObservedRow {
  std::string source;
  uint64_t blocks = 0;
  double predicted = 0;  // Halflife's steady state
  double observed = 0;
};

struct Backtest {
  std::vector<BacktestRow> rows;
  std::vector<BacktestError> errors;
  std::vector<ObservedRow> observed;
};

// Simulates the daemon's model and LRU at some capacities, and says how far the life tables' curve
// is from that; then the same for what was observed.
Backtest RunBacktest(const SimulatedTrace& trace, const ReuseClasses& reuse,
                     const std::vector<Observation>& observations, int jobs,
                     const GridProgress& progress = {});

}  // namespace halflife::tools
