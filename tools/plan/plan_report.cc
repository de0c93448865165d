#include "tools/plan/plan_report.h"

#include <algorithm>
#include <cmath>

#include "absl/types/span.h"
#include "storage/residency/model/reuse_summary.h"

namespace halflife::tools {
namespace {

constexpr double kSecondsPerHour = 3600;
// Columns of the curve that people do without.
constexpr std::string_view kForPrograms[] = {"capacity_blocks", "exact_lru_hit_ratio",
                                             "steady_halflife_hit_ratio", "steady_lru_hit_ratio"};

Cell Blocks(double blocks) { return Cell::Count(static_cast<uint64_t>(std::llround(blocks))); }
Cell Blocks(const std::optional<double>& blocks) {
  return blocks.has_value() ? Blocks(*blocks) : Cell::None();
}

// Of any size: a short trace of many blocks makes many bytes per day.
Cell Bytes(double bytes) {
  constexpr double kMost = 1e19;
  return Cell::Bytes(static_cast<uint64_t>(std::min(bytes, kMost)));
}

// Of whole blocks, so that bytes and blocks agree.
Cell BytesOf(const std::optional<double>& blocks, double block_bytes) {
  if (!blocks.has_value()) return Cell::None();
  return Bytes(std::round(*blocks) * block_bytes);
}

Table PlanTable(const CapacityPlan& plan, const ReuseClasses& reuse, const Hardware& hardware) {
  Table table = Table::Record("plan");
  table.Set("target_hit_ratio", Cell::Ratio(plan.target_hit_ratio));
  table.Set("ceiling_hit_ratio", Cell::Ratio(plan.ceiling_hit_ratio));
  table.Set("error_bar_ratio", Cell::Ratio(plan.error_ratio));
  table.Set("requests", Cell::Count(reuse.requests));
  table.Set("lookup_blocks", Blocks(reuse.lookup_blocks));
  table.Set("unique_blocks", Cell::Count(reuse.unique_blocks));
  table.Set("duration_seconds", Cell::Seconds(reuse.duration_s));
  table.Set("lookup_recompute_seconds",
            Cell::Seconds(reuse.lookup_value * hardware.recompute_block_s(reuse.block_tokens)));
  table.Set("block_tokens", Cell::Count(reuse.block_tokens));
  table.Set("block_bytes",
            Cell::Bytes(static_cast<uint64_t>(hardware.token_bytes) * reuse.block_tokens));
  return table;
}

Table SizeTable(const CapacityPlan& plan, const ReuseClasses& reuse, const Hardware& hardware) {
  Table table{"sizes",
              {"policy", "capacity_blocks", "capacity_bytes", "capacity_ratio", "least_bytes",
               "most_bytes"},
              {}};
  const double block_bytes = hardware.block_bytes(reuse.block_tokens);
  const auto unique = static_cast<double>(reuse.unique_blocks);
  for (const PlanSize& size : plan.sizes) {
    table.AddRow(
        {Cell::Text(size.policy), Blocks(size.blocks), BytesOf(size.blocks, block_bytes),
         size.blocks.has_value() ? Cell::Ratio(std::round(*size.blocks) / unique) : Cell::None(),
         BytesOf(size.low_blocks, block_bytes), BytesOf(size.high_blocks, block_bytes)});
  }
  return table;
}

void AddTiers(const TierSplit& split, const ReuseClasses& reuse, const Hardware& hardware,
              Report& report) {
  const double block_bytes = hardware.block_bytes(reuse.block_tokens);
  Table tiers = Table::Record("tiers");
  tiers.Set("dram_blocks", Blocks(split.dram_blocks));
  tiers.Set("dram_bytes", BytesOf(split.dram_blocks, block_bytes));
  tiers.Set("ssd_blocks", Blocks(split.ssd_blocks));
  tiers.Set("ssd_bytes", BytesOf(split.ssd_blocks, block_bytes));
  tiers.Set("dram_hit_ratio", Cell::Ratio(split.dram_hits / reuse.lookup_blocks));
  tiers.Set("ssd_hit_ratio", Cell::Ratio(split.ssd_hits / reuse.lookup_blocks));
  tiers.Set("mean_ttft_seconds", Cell::Seconds(split.mean_ttft_s));
  tiers.Set("last_dram_gib_saves_usd_per_hour", Cell::Number(split.last_dram_gib_usd_per_hour));
  tiers.Set("advice", Cell::Text(split.advice));
  report.tables.push_back(std::move(tiers));

  Table endurance = Table::Record("endurance");
  endurance.Set("considered_ssd_blocks", Blocks(split.considered_ssd_blocks));
  endurance.Set("ssd_written_blocks", Blocks(split.ssd_written_blocks));
  endurance.Set("ssd_written_bytes_per_day", Bytes(split.ssd_written_bytes_per_day));
  endurance.Set("budget_bytes_per_day", Bytes(hardware.write_budget_bytes_per_day()));
  endurance.Set("budget_used_ratio", Cell::Ratio(split.budget_used_ratio));
  report.tables.push_back(std::move(endurance));
}

Table NextGibTable(const ExpectedHits& next, const ReuseClasses& reuse, const Hardware& hardware) {
  const double blocks = hardware.blocks_per_gib(reuse.block_tokens);
  const double hours = reuse.duration_s / kSecondsPerHour;
  const double saved_s =
      next.value_per_block * blocks * hardware.recompute_block_s(reuse.block_tokens) / hours;
  Table table = Table::Record("next_gib");
  table.Set("hit_points", Cell::Number(100 * next.hits_per_block * blocks / reuse.lookup_blocks));
  table.Set("hit_blocks_per_hour", Cell::Number(next.hits_per_block * blocks / hours));
  table.Set("saved_recompute_seconds_per_hour", Cell::Number(saved_s));
  table.Set("saved_usd_per_hour",
            Cell::Number(saved_s / kSecondsPerHour * hardware.gpu_usd_per_hour));
  table.Set("dram_usd_per_hour", Cell::Number(hardware.dram_usd_per_gib_hour));
  table.Set("ssd_usd_per_hour", Cell::Number(hardware.ssd_usd_per_gib_hour));
  return table;
}

Table CurveTable(const CapacityPlan& plan, const ReuseClasses& reuse, const Hardware& hardware) {
  Table table{"curve",
              {"capacity_ratio", "capacity_blocks", "capacity_bytes", "floor_hit_ratio",
               "halflife_hit_ratio", "lru_hit_ratio", "exact_lru_hit_ratio",
               "steady_halflife_hit_ratio", "steady_lru_hit_ratio", "saved_recompute_ratio",
               "next_gib_hit_points", "next_gib_saved_seconds_per_hour"},
              {}};
  const double per_gib = hardware.blocks_per_gib(reuse.block_tokens);
  const double hours = reuse.duration_s / kSecondsPerHour;
  for (const PlanPoint& point : plan.curve) {
    table.AddRow({Cell::Ratio(point.share), Blocks(point.blocks),
                  BytesOf(point.blocks, hardware.block_bytes(reuse.block_tokens)),
                  Cell::Ratio(point.clairvoyant), Cell::Ratio(point.halflife),
                  Cell::Ratio(point.lru), Cell::Ratio(point.exact_lru),
                  Cell::Ratio(point.steady_halflife), Cell::Ratio(point.steady_lru),
                  Cell::Ratio(point.saved_recompute),
                  Cell::Number(100 * point.hits_per_block * per_gib / reuse.lookup_blocks),
                  Cell::Number(point.value_per_block * per_gib *
                               hardware.recompute_block_s(reuse.block_tokens) / hours)});
  }
  return table;
}

// The table without these columns.
Table Without(absl::Span<const std::string_view> names, const Table& table) {
  Table rest{table.name, {}, std::vector<std::vector<Cell>>(table.rows.size()), table.is_record};
  for (size_t column = 0; column < table.columns.size(); ++column) {
    if (std::find(names.begin(), names.end(), table.columns[column]) != names.end()) continue;
    rest.columns.push_back(table.columns[column]);
    for (size_t row = 0; row < table.rows.size(); ++row) {
      rest.rows[row].push_back(table.rows[row][column]);
    }
  }
  return rest;
}

Table AssumptionTable(const CapacityPlan& plan, const Hardware& hardware) {
  Table table = Table::Record("assumptions");
  table.Set("token_bytes", Cell::Bytes(hardware.token_bytes));
  table.Set("recompute_token_us", Cell::Micros(hardware.recompute_token_us));
  table.Set("dram_read_bytes_per_second", Cell::Bytes(hardware.dram_read_bytes_per_s));
  table.Set("ssd_read_bytes_per_second", Cell::Bytes(hardware.ssd_read_bytes_per_s));
  table.Set("gpu_usd_per_hour", Cell::Number(hardware.gpu_usd_per_hour));
  table.Set("dram_usd_per_gib_hour", Cell::Number(hardware.dram_usd_per_gib_hour));
  table.Set("ssd_usd_per_gib_hour", Cell::Number(hardware.ssd_usd_per_gib_hour));
  table.Set("drive_bytes", Cell::Bytes(hardware.drive_bytes));
  table.Set("drive_writes_per_day", Cell::Number(hardware.drive_writes_per_day));
  table.Set("write_amplification", Cell::Number(hardware.write_amplification));
  table.Set("optimum_sample_blocks", Cell::Count(plan.optimum_sample_blocks));
  table.Set("seed", Cell::Count(plan.seed));
  return table;
}

Table LifeTables(const ReuseClasses& reuse) {
  Table table{"life_tables",
              {"history_group", "multiplier_level", "age_seconds", "survival", "index_per_second",
               "reused", "censored", "hits", "hit_value"},
              {}};
  for (const ReuseClass& c : reuse.classes) {
    const auto survival = LifeTable(c.intervals);
    for (int bin = 0; bin < kAgeBins; ++bin) {
      table.AddRow({Cell::Count(c.group), Cell::Count(c.level), Cell::Seconds(AgeBinEdgeS(bin)),
                    Cell::Number(survival[bin]), Cell::Number(c.index[bin]),
                    Cell::Number(c.intervals.reused[bin]), Cell::Number(c.intervals.censored[bin]),
                    Cell::Number(c.hits[bin]), Cell::Number(c.hit_value[bin])});
    }
  }
  return table;
}

Table OpeningTable(const ReuseClasses& reuse) {
  Table table{"openings", {"history_group", "multiplier_level", "slot", "intervals"}, {}};
  for (const ReuseClass& c : reuse.classes) {
    for (size_t slot = 0; slot < c.opened.size(); ++slot) {
      if (c.opened[slot] <= 0) continue;
      table.AddRow({Cell::Count(c.group), Cell::Count(c.level), Cell::Count(slot),
                    Cell::Number(c.opened[slot])});
    }
  }
  return table;
}

}  // namespace

Report PlanReport(const CapacityPlan& plan, const ReuseClasses& reuse, const Hardware& hardware,
                  bool for_people) {
  Report report;
  report.tables = {PlanTable(plan, reuse, hardware), SizeTable(plan, reuse, hardware)};
  if (plan.split.has_value()) {
    AddTiers(*plan.split, reuse, hardware, report);
    report.tables.push_back(NextGibTable(plan.next, reuse, hardware));
  }
  const Table curve = CurveTable(plan, reuse, hardware);
  report.tables.push_back(for_people ? Without(kForPrograms, curve) : curve);
  report.tables.push_back(AssumptionTable(plan, hardware));
  return report;
}

void AddEvidence(const ReuseClasses& reuse, Report& report) {
  Table slots = Table::Record("slots");
  slots.Set("slots", Cell::Count(static_cast<uint64_t>(reuse.slots)));
  slots.Set("slot_seconds", Cell::Seconds(reuse.slot_s));
  report.tables.push_back(std::move(slots));
  report.tables.push_back(LifeTables(reuse));
  report.tables.push_back(OpeningTable(reuse));
}

void AddBacktest(const Backtest& backtest, Report& report) {
  Table rows{"backtest",
             {"policy", "capacity", "capacity_blocks", "predicted_hit_ratio", "simulated_hit_ratio",
              "error_points"},
             {}};
  for (const BacktestRow& row : backtest.rows) {
    rows.AddRow({Cell::Text(row.policy), Cell::Text(row.capacity), Cell::Count(row.blocks),
                 Cell::Ratio(row.predicted), Cell::Ratio(row.simulated),
                 Cell::Number(100 * (row.predicted - row.simulated))});
  }
  report.tables.push_back(std::move(rows));
  Table errors{
      "backtest_error", {"policy", "mean_absolute_error_points", "largest_error_points"}, {}};
  for (const BacktestError& error : backtest.errors) {
    errors.AddRow({Cell::Text(error.policy), Cell::Number(100 * error.mean_absolute),
                   Cell::Number(100 * error.largest)});
  }
  report.tables.push_back(std::move(errors));
  if (backtest.observed.empty()) return;
  Table observed{
      "observed",
      {"source", "capacity_blocks", "predicted_hit_ratio", "observed_hit_ratio", "error_points"},
      {}};
  for (const ObservedRow& row : backtest.observed) {
    observed.AddRow({Cell::Text(row.source), Cell::Count(row.blocks), Cell::Ratio(row.predicted),
                     Cell::Ratio(row.observed),
                     Cell::Number(100 * (row.predicted - row.observed))});
  }
  report.tables.push_back(std::move(observed));
}

}  // namespace halflife::tools
