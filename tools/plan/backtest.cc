#include "tools/plan/backtest.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/plan/capacity_curve.h"

namespace halflife::tools {
namespace {

constexpr const char* kCapacities = "0.5%,1%,2%,5%,10%,20%,50%";
constexpr const char* kPolicies = "model,lru";

std::vector<BacktestError> ErrorsOf(const std::vector<BacktestRow>& rows) {
  std::vector<BacktestError> errors;
  std::vector<double> counts;
  for (const BacktestRow& row : rows) {
    if (errors.empty() || errors.back().policy != row.policy) {
      errors.push_back({row.policy, 0, 0});
      counts.push_back(0);
    }
    const double error = std::abs(row.predicted - row.simulated);
    errors.back().mean_absolute += error;
    errors.back().largest = std::max(errors.back().largest, error);
    ++counts.back();
  }
  for (size_t i = 0; i < errors.size(); ++i) errors[i].mean_absolute /= counts[i];
  return errors;
}

}  // namespace

Backtest RunBacktest(const SimulatedTrace& trace, const ReuseClasses& reuse,
                     const std::vector<Observation>& observations, int jobs,
                     const GridProgress& progress) {
  Backtest backtest;
  const CapacityCurves curves = CurvesOf(reuse, Load::kTrace);
  GridOptions grid;
  grid.policies = ParsePolicies(kPolicies).value();
  grid.jobs = jobs;
  const std::vector<Capacity> capacities = ParseCapacities(kCapacities).value();
  for (const Capacity& capacity : capacities) {
    auto blocks = CapacityFor(capacity, trace, 1);
    if (blocks.ok()) grid.capacities.push_back(*std::move(blocks));  // else less than one block
  }
  for (const GridCell& cell : RunGrid(trace, grid, progress)) {
    const auto blocks = static_cast<double>(cell.capacity.blocks);
    const bool is_model = cell.policy->has_two_tiers;
    const double hits = is_model ? curves.HalflifeAt(blocks).hits : curves.lru.At(blocks).hits;
    backtest.rows.push_back({cell.policy->name, cell.capacity.text, cell.capacity.blocks,
                             hits / reuse.lookup_blocks, cell.result.hit_ratio()});
  }
  backtest.errors = ErrorsOf(backtest.rows);
  if (observations.empty()) return backtest;
  const CapacityCurves steady = CurvesOf(reuse, Load::kSteady);
  for (const Observation& seen : observations) {
    const double hits = steady.HalflifeAt(static_cast<double>(seen.capacity_blocks)).hits;
    backtest.observed.push_back(
        {seen.source, seen.capacity_blocks, hits / reuse.lookup_blocks, seen.hit_ratio});
  }
  return backtest;
}

}  // namespace halflife::tools
