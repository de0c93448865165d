#include "tools/analyze/analysis_report.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "tools/analyze/reuse_cells.h"

namespace halflife::tools {
namespace {

constexpr double kQuantiles[] = {.1, .25, .5, .75, .8, .9, .95, .99};

Table SummaryTable(const TraceAnalysis& a) {
  Table table = Table::Record("summary");
  table.Set("block_tokens", Cell::Count(a.block_tokens));
  table.Set("requests", Cell::Count(a.totals.requests));
  table.Set("sessions", Cell::Count(a.sessions));
  table.Set("duration_seconds", Cell::Seconds(a.duration_s));
  table.Set("blocks", Cell::Count(a.totals.blocks));
  table.Set("unique_blocks", Cell::Count(a.unique_blocks));
  table.Set("hit_blocks", Cell::Count(a.totals.hit_blocks));
  table.Set("ideal_hit_ratio", Cell::Share(a.totals.hit_blocks, a.totals.blocks));
  table.Set("ideal_saved_recompute_ratio", Cell::Ratio(a.saved_recompute_ratio));
  table.Set("blocks_ever_reused_ratio", Cell::Share(a.reused_blocks, a.unique_blocks));
  table.Set("hits_within_session", Cell::Count(a.hits_within_session));
  table.Set("hits_within_session_ratio", Cell::Share(a.hits_within_session, a.totals.hit_blocks));
  return table;
}

Table SkewTable(const TraceAnalysis& a) {
  Table table{"skew", {"most_used_blocks_ratio", "blocks", "share_of_hits_ratio"}, {}};
  for (const auto& [share, hits] : a.skew) {
    const double blocks = share * static_cast<double>(a.unique_blocks) + 0.5;
    table.AddRow(
        {Cell::Ratio(share), Cell::Count(static_cast<uint64_t>(blocks)), Cell::Ratio(hits)});
  }
  return table;
}

Table TimeTable(TraceAnalysis& a) {
  Table table{"times", {"quantity", "n"}, {}};
  for (const double q : kQuantiles) {
    table.columns.push_back(absl::StrCat("p", q * 100, "_seconds"));
  }
  const std::pair<const char*, WeightedSample*> samples[] = {{"reuse gap", &a.reuse_gap_s},
                                                             {"lifespan", &a.lifespan_s}};
  for (const auto& [name, sample] : samples) {
    std::vector<Cell> row = {Cell::Text(name), Cell::Count(sample->count())};
    for (const double q : kQuantiles) row.push_back(Cell::Seconds(sample->Quantile(q)));
    table.AddRow(std::move(row));
  }
  return table;
}

Table PositionTable(const TraceAnalysis& a) {
  Table table{
      "positions",
      {"first_depth", "last_depth", "blocks", "hit_blocks", "hit_ratio", "share_of_hits_ratio"},
      {}};
  for (const auto& depth : a.depths) {
    table.AddRow({Cell::Count(depth.first), Cell::Count(depth.end - 1), Cell::Count(depth.blocks),
                  Cell::Count(depth.hit_blocks), Cell::Share(depth.hit_blocks, depth.blocks),
                  Cell::Share(depth.hit_blocks, a.totals.hit_blocks)});
  }
  return table;
}

Table TurnTable(const TraceAnalysis& a) {
  Table table{"turns",
              {"turn", "requests", "blocks", "hit_blocks", "hit_ratio", "share_of_hits_ratio"},
              {}};
  const std::pair<const char*, const BlockTotals*> rows[] = {{"single-turn", &a.single_turn},
                                                             {"first of several", &a.first_turns},
                                                             {"later", &a.later_turns}};
  for (const auto& [name, totals] : rows) {
    table.AddRow({Cell::Text(name), Cell::Count(totals->requests), Cell::Count(totals->blocks),
                  Cell::Count(totals->hit_blocks), Cell::Share(totals->hit_blocks, totals->blocks),
                  Cell::Share(totals->hit_blocks, a.totals.hit_blocks)});
  }
  return table;
}

void AddCategory(const std::string& name, const TraceAnalysis::OfCategory& category,
                 double horizon_s, Table& table) {
  const uint64_t count = category.totals.requests;
  std::vector<Cell> row = {Cell::Text(name), count > 0 ? Cell::Count(count) : Cell::None(),
                           Cell::Share(category.totals.hit_blocks, category.totals.blocks)};
  AppendReuse(category.intervals, category.halves, horizon_s, row);
  table.AddRow(std::move(row));
}

Table CategoryTable(const TraceAnalysis& a) {
  Table table{"categories",
              {"category", "requests", "hit_ratio", "intervals", "reuse_probability_ratio",
               "half_life_seconds", "mean_gap_seconds", "fit_distance_ratio", "model",
               "distance_of_halves_ratio"},
              {}};
  AddCategory("all", a.all, a.duration_s, table);
  if (a.shared_heads.intervals.intervals() > 0) {
    AddCategory("shared heads", a.shared_heads, a.duration_s, table);
  }
  for (const auto& [name, category] : a.categories) {
    AddCategory(name, category, a.duration_s, table);
  }
  return table;
}

Table CategoryCurves(const TraceAnalysis& a) {
  Table table = CurveTable("curves");
  AddCurve(Cell::Text("all"), a.all.intervals, a.duration_s, table);
  AddCurve(Cell::Text("shared heads"), a.shared_heads.intervals, a.duration_s, table);
  for (const auto& [name, category] : a.categories) {
    AddCurve(Cell::Text(name), category.intervals, a.duration_s, table);
  }
  return table;
}

// Of one quantity, by value: what its percentiles are computed from.
void AddSample(const char* quantity, WeightedSample& sample, Table& table) {
  for (const auto& [seconds, n] : sample.counts()) {
    table.AddRow({Cell::Text(quantity), Cell::Seconds(seconds), Cell::Count(n)});
  }
}

}  // namespace

Report AnalysisReport(TraceAnalysis& analysis, bool with_curves) {
  Report report;
  report.tables = {SummaryTable(analysis),  SkewTable(analysis), TimeTable(analysis),
                   PositionTable(analysis), TurnTable(analysis), CategoryTable(analysis)};
  if (with_curves) report.tables.push_back(CategoryCurves(analysis));
  return report;
}

void AddEvidence(TraceAnalysis& analysis, Report& report) {
  Table reuses{"reuse_counts", {"times_used_again", "blocks"}, {}};
  for (const auto& [times, blocks] : analysis.reuse_counts) {
    reuses.AddRow({Cell::Count(times), Cell::Count(blocks)});
  }
  Table times{"time_counts", {"quantity", "seconds", "n"}, {}};
  AddSample("reuse gap", analysis.reuse_gap_s, times);
  AddSample("lifespan", analysis.lifespan_s, times);
  Table depths{"depths", {"depth", "blocks", "hit_blocks"}, {}};
  for (const auto& depth : analysis.every_depth) {
    depths.AddRow(
        {Cell::Count(depth.first), Cell::Count(depth.blocks), Cell::Count(depth.hit_blocks)});
  }
  for (Table* table : {&reuses, &times, &depths}) report.tables.push_back(std::move(*table));
}

}  // namespace halflife::tools
