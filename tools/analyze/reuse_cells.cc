#include "tools/analyze/reuse_cells.h"

#include "storage/residency/model/reuse_summary.h"

namespace halflife::tools {

void AppendReuse(const IdleHistogram& intervals, const std::array<IdleHistogram, 2>& halves,
                 double horizon_s, std::vector<Cell>& row) {
  const ReuseSummary summary = SummariseReuse(intervals, horizon_s);
  const bool both_halves = halves[0].intervals() > 0 && halves[1].intervals() > 0;
  const double drift = CurveDistance(LifeTable(halves[0]), LifeTable(halves[1]), horizon_s / 2);
  row.push_back(Cell::Number(summary.intervals));
  row.push_back(Cell::Ratio(summary.reuse_probability));
  row.push_back(Cell::Seconds(summary.half_life_s));
  row.push_back(Cell::Seconds(summary.mean_s));
  row.push_back(Cell::Ratio(summary.fit_distance));
  row.push_back(Cell::Text(summary.uses_exponential ? "exponential" : "life table"));
  row.push_back(both_halves ? Cell::Ratio(drift) : Cell::None());
}

Table CurveTable(const char* name) {
  return {name,
          {"category", "age_seconds", "life_table_survival", "exponential_survival", "reused",
           "reused_age_seconds", "censored", "censored_age_seconds"},
          {}};
}

void AddCurve(const Cell& category, const IdleHistogram& intervals, double horizon_s,
              Table& table) {
  const ReuseSummary summary = SummariseReuse(intervals, horizon_s);
  for (int bin = 0; bin < kAgeBins && AgeBinEdgeS(bin) <= horizon_s; ++bin) {
    table.AddRow({category, Cell::Seconds(AgeBinEdgeS(bin)), Cell::Number(summary.life_table[bin]),
                  Cell::Number(summary.exponential.SurvivalAt(AgeBinEdgeS(bin))),
                  Cell::Number(intervals.reused[bin]), Cell::Number(intervals.reused_s[bin]),
                  Cell::Number(intervals.censored[bin]), Cell::Number(intervals.censored_s[bin])});
  }
}

}  // namespace halflife::tools
