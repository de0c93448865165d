#pragma once

#include <vector>

#include "tools/output/report.h"
#include "tools/simulate/simulation_grid.h"

namespace halflife::tools {

// The contract with scripts: policy, capacity_ratio, capacity_blocks, lookup_blocks, hit_blocks,
// hit_ratio, saved_recompute_ratio, ssd_hit_blocks, ssd_written_blocks, seconds, in this order. All
// of them are these and, behind them, what else is known.
enum class CellColumns { kContract, kAll };

// One row per cell; what programs get.
Table CellTable(const std::vector<GridCell>& cells, CellColumns columns);

enum class RowsAre { kPolicies, kCapacities };

// For people: per quantity one table, policy by capacity or capacity by policy. SSD columns only if
// a cell has an SSD.
Report GridReport(const std::vector<GridCell>& cells, RowsAre rows);

}  // namespace halflife::tools
