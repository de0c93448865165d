#pragma once

#include <string>
#include <vector>

#include "tools/output/report.h"
#include "tools/simulate/simulation_grid.h"

namespace halflife::tools {

// One row per cell; what programs get. The first ten columns and their order are part of the
// contract with scripts: policy, capacity_ratio, capacity_blocks, lookup_blocks, hit_blocks,
// hit_ratio, saved_recompute_ratio, ssd_hit_blocks, ssd_written_blocks, seconds.
Table CellTable(const std::vector<GridCell>& cells);

// The same as one JSON object a line.
std::string CellsAsJsonLines(const std::vector<GridCell>& cells);

enum class RowsAre { kPolicies, kCapacities };

// For people: per quantity one table, policy by capacity or capacity by policy. SSD columns only if
// a cell has an SSD.
Report GridReport(const std::vector<GridCell>& cells, RowsAre rows);

}  // namespace halflife::tools
