#include "tools/simulate/simulation_report.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <string>
#include <utility>

namespace halflife::tools {
namespace {

constexpr double kMinutesPerDay = 24 * 60;

Cell GapCell(const GridCell& cell) {
  const auto gap = cell.gap_closed();
  return gap.has_value() ? Cell::Ratio(*gap) : Cell::None();
}

constexpr const char* kDetails[] = {"capacity",
                                    "dram_blocks",
                                    "gap_closed_ratio",
                                    "lru_hit_ratio",
                                    "optimum_hit_ratio",
                                    "ssd_refused_blocks",
                                    "ssd_most_in_a_minute_blocks",
                                    "write_budget_blocks_per_minute"};

void AppendDetails(const GridCell& cell, std::vector<Cell>& row) {
  const SimulationResult& result = cell.result;
  row.push_back(Cell::Text(cell.capacity.text));
  row.push_back(Cell::Count(cell.dram_blocks));
  row.push_back(GapCell(cell));
  row.push_back(Cell::Ratio(cell.lru_hit_ratio));
  row.push_back(Cell::Ratio(cell.optimum_hit_ratio));
  row.push_back(Cell::Count(result.ssd_refused_blocks));
  row.push_back(Cell::Count(result.ssd_most_in_a_minute_blocks));
  row.push_back(cell.write_budget_blocks_per_day > 0
                    ? Cell::Number(cell.write_budget_blocks_per_day / kMinutesPerDay)
                    : Cell::None());
}

using Quantity = std::function<Cell(const GridCell&)>;

// `cells` is policy by policy.
Table Pivot(const std::string& name, const std::vector<GridCell>& cells, RowsAre rows,
            const Quantity& quantity) {
  size_t capacities = 0;
  while (capacities < cells.size() && cells[capacities].policy == cells[0].policy) ++capacities;
  const size_t policies = cells.size() / capacities;
  Table table{name, {}, {}};
  if (rows == RowsAre::kPolicies) {
    table.columns.push_back("policy");
    for (size_t c = 0; c < capacities; ++c) table.columns.push_back(cells[c].capacity.text);
    for (size_t p = 0; p < policies; ++p) {
      std::vector<Cell> row = {Cell::Text(cells[p * capacities].policy->name)};
      for (size_t c = 0; c < capacities; ++c) row.push_back(quantity(cells[p * capacities + c]));
      table.AddRow(std::move(row));
    }
    return table;
  }
  table.columns = {"capacity", "blocks"};
  for (size_t p = 0; p < policies; ++p) {
    table.columns.push_back(cells[p * capacities].policy->name);
  }
  for (size_t c = 0; c < capacities; ++c) {
    std::vector<Cell> row = {Cell::Text(cells[c].capacity.text),
                             Cell::Count(cells[c].capacity.blocks)};
    for (size_t p = 0; p < policies; ++p) row.push_back(quantity(cells[p * capacities + c]));
    table.AddRow(std::move(row));
  }
  return table;
}

}  // namespace

Table CellTable(const std::vector<GridCell>& cells, CellColumns columns) {
  Table table{
      "simulate",
      {"policy", "capacity_ratio", "capacity_blocks", "lookup_blocks", "hit_blocks", "hit_ratio",
       "saved_recompute_ratio", "ssd_hit_blocks", "ssd_written_blocks", "seconds"},
      {}};
  const bool all = columns == CellColumns::kAll;
  if (all) table.columns.insert(table.columns.end(), std::begin(kDetails), std::end(kDetails));
  for (const GridCell& cell : cells) {
    const SimulationResult& result = cell.result;
    std::vector<Cell> row = {Cell::Text(cell.policy->name),
                             Cell::Ratio(cell.capacity.ratio),
                             Cell::Count(cell.capacity.blocks),
                             Cell::Count(result.lookup_blocks),
                             Cell::Count(result.hit_blocks),
                             Cell::Ratio(result.hit_ratio()),
                             Cell::Ratio(result.saved_recompute_ratio()),
                             Cell::Count(result.ssd_hit_blocks),
                             Cell::Count(result.ssd_written_blocks),
                             Cell::Seconds(cell.seconds)};
    if (all) AppendDetails(cell, row);
    table.AddRow(std::move(row));
  }
  return table;
}

Report GridReport(const std::vector<GridCell>& cells, RowsAre rows) {
  Report report;
  if (cells.empty()) return report;
  const auto add = [&](const char* name, const Quantity& quantity) {
    report.tables.push_back(Pivot(name, cells, rows, quantity));
  };
  add("hit_ratio", [](const GridCell& c) { return Cell::Ratio(c.result.hit_ratio()); });
  add("saved_recompute_ratio",
      [](const GridCell& c) { return Cell::Ratio(c.result.saved_recompute_ratio()); });
  add("gap_closed_ratio", GapCell);
  const bool has_ssd = std::any_of(cells.begin(), cells.end(), [](const GridCell& cell) {
    return cell.dram_blocks < cell.capacity.blocks;
  });
  if (has_ssd) {
    add("ssd_hit_ratio", [](const GridCell& c) {
      return Cell::Share(c.result.ssd_hit_blocks, c.result.lookup_blocks);
    });
    add("ssd_writes_per_lookup_ratio", [](const GridCell& c) {
      return Cell::Share(c.result.ssd_written_blocks, c.result.lookup_blocks);
    });
  }
  add("seconds", [](const GridCell& c) { return Cell::Seconds(c.seconds); });
  return report;
}

}  // namespace halflife::tools
