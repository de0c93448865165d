#include "tools/analyze/html_report.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/residency/model/reuse_summary.h"
#include "tools/analyze/analysis_report.h"
#include "tools/analyze/svg_plot.h"

namespace halflife::tools {
namespace {

// More curves than that do not help to see; the table has them all.
constexpr size_t kMaxSurvivalPlots = 12;

constexpr char kHead[] = R"(<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
:root { color-scheme: light dark; --text: #1a1a1a; --faint: #6b6b6b; --back: #ffffff; --rule: #dddddd;
  --c0: #0b62a8; --c1: #c2410c; --c2: #15803d; --c3: #7e22ce; --c4: #a16207; --c5: #be185d;
  --c6: #0f766e; --c7: #4b5563; }
@media (prefers-color-scheme: dark) { :root { --text: #e8e8e8; --faint: #a0a0a0; --back: #16181c;
  --rule: #3a3d44; --c0: #6cb4ee; --c1: #fb923c; --c2: #4ade80; --c3: #c084fc; --c4: #facc15;
  --c5: #f472b6; --c6: #2dd4bf; --c7: #9ca3af; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--back);
  max-width: 1100px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { max-width: 46rem; color: var(--faint); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid var(--rule); text-align: right;
  white-space: nowrap; vertical-align: top; }
th { font-weight: 600; white-space: normal; vertical-align: bottom; } th.text, td.text { text-align: left; }
td.text { white-space: normal; min-width: 7rem; max-width: 24rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(300px, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: 13px; font-weight: 600; }
svg { width: 100%; height: auto; } svg text { font-size: 11px; fill: var(--faint); }
.grid { stroke: var(--rule); fill: none; } .line { fill: none; stroke-width: 2; }
.dashed { stroke-dasharray: 5 4; }
.s0 { stroke: var(--c0); } .s1 { stroke: var(--c1); } .s2 { stroke: var(--c2); }
.s3 { stroke: var(--c3); } .s4 { stroke: var(--c4); } .s5 { stroke: var(--c5); }
.tree, .tree ul { list-style: none; padding-left: 1.4rem; border-left: 1px solid var(--rule); }
.tree { padding-left: 0; border-left: 0; } .tree li { margin: .3rem 0; } .tree .q { color: var(--c0); }
.tree i { color: var(--faint); } .tree .n { color: var(--faint); font-size: 13px; }
.bar { display: inline-block; width: 6rem; height: .7rem; background: var(--rule); }
.bar span { display: block; height: 100%; background: var(--c1); }
.s6 { stroke: var(--c6); } .s7 { stroke: var(--c7); }
</style>
)";

std::string Words(std::string column) {
  std::replace(column.begin(), column.end(), '_', ' ');
  // The values carry their unit.
  constexpr std::string_view kUnit = " seconds";
  if (column.ends_with(kUnit)) column.resize(column.size() - kUnit.size());
  return column;
}

void AppendTable(const Table& table, std::string& html) {
  const auto tag = [&](const char* name, const Cell* cell, const std::string& text) {
    const bool is_text = cell != nullptr && std::holds_alternative<std::string>(cell->value);
    absl::StrAppend(&html, "<", name, is_text ? " class=\"text\">" : ">", EscapeLine(text), "</",
                    name, ">");
  };
  html += "<div class=\"scroll\"><table>";
  if (table.is_record) {
    const Cell name = Cell::Text("");
    for (size_t i = 0; i < table.columns.size(); ++i) {
      html += "<tr>";
      tag("th", &name, Words(table.columns[i]));
      tag("td", nullptr, HumanText(table.rows.front()[i]));
      html += "</tr>\n";
    }
  } else {
    html += "<tr>";
    for (size_t i = 0; i < table.columns.size(); ++i) {
      tag("th", table.rows.empty() ? nullptr : &table.rows.front()[i], Words(table.columns[i]));
    }
    html += "</tr>\n";
    for (const auto& row : table.rows) {
      html += "<tr>";
      for (const Cell& cell : row) tag("td", &cell, HumanText(cell));
      html += "</tr>\n";
    }
  }
  html += "</table></div>\n";
}

void AppendPlot(const Plot& plot, std::string& html) {
  absl::StrAppend(&html, "<figure><figcaption>", EscapeLine(plot.title), "</figcaption>",
                  SvgOf(plot), "</figure>\n");
}

std::vector<std::pair<double, std::string>> TimeTicks() {
  return {{0.1, "0.1 s"},  {1, "1 s"},    {10, "10 s"},   {60, "1 min"},
          {600, "10 min"}, {3600, "1 h"}, {36000, "10 h"}};
}

std::vector<std::pair<double, std::string>> ShareTicks() {
  return {{.001, "0.1 %"}, {.005, "0.5 %"}, {.01, "1 %"}, {.02, "2 %"}, {.05, "5 %"},
          {.1, "10 %"},    {.2, "20 %"},    {.5, "50 %"}, {1, "100 %"}};
}

Plot SurvivalPlot(const std::string& name, const TraceAnalysis::OfCategory& category,
                  double horizon_s) {
  const ReuseSummary summary = SummariseReuse(category.intervals, horizon_s);
  // Between the edges of the age bins nothing is known: straight lines.
  PlotSeries table{"life table (Kaplan-Meier)", {}, 0};
  PlotSeries fit{"defective exponential", {}, 1, true, false};
  for (int bin = 1; bin <= kAgeBins && AgeBinEdgeS(bin) <= horizon_s; ++bin) {
    table.points.emplace_back(AgeBinEdgeS(bin), summary.life_table[bin]);
    fit.points.emplace_back(AgeBinEdgeS(bin), summary.exponential.SurvivalAt(AgeBinEdgeS(bin)));
  }
  Plot plot{name, "time since the last touch", TimeTicks(), {table, fit}};
  plot.title += absl::StrFormat(
      ": reuse %.0f %%, half of it by %s, distance %.3f", summary.reuse_probability * 100,
      HumanText(Cell::Seconds(summary.half_life_s)), summary.fit_distance);
  return plot;
}

Plot PositionPlot(const TraceAnalysis& analysis) {
  PlotSeries ratio{"hit ratio at this depth", {}, 0};
  PlotSeries share{"share of all hits", {}, 1};
  Plot plot{"Position in the prompt", "depth in blocks, from 1", {}, {}};
  for (const auto& depth : analysis.depths) {
    if (depth.blocks == 0) continue;
    const auto x = static_cast<double>(depth.first + 1);
    const auto hits = static_cast<double>(depth.hit_blocks);
    ratio.points.emplace_back(x, hits / static_cast<double>(depth.blocks));
    const auto all = static_cast<double>(std::max<uint64_t>(analysis.totals.hit_blocks, 1));
    share.points.emplace_back(x, hits / all);
    if (depth.first == 0 || plot.x_ticks.back().first * 3 < x) {
      plot.x_ticks.emplace_back(x, absl::StrCat(depth.first + 1));
    }
  }
  plot.series = {ratio, share};
  return plot;
}

Plot SkewPlot(const TraceAnalysis& analysis) {
  PlotSeries line{"share of all hits", {}, 0};
  for (const auto& point : analysis.skew) line.points.push_back(point);
  return {"Skew", "most used blocks", ShareTicks(), {line}};
}

Plot CapacityPlot(const TraceAnalysis& analysis, const std::vector<GridCell>& cells) {
  Plot plot{"Hit ratio against capacity", "share of the unique blocks", ShareTicks(), {}};
  PlotSeries ideal{"infinite cache", {}, 7, true};
  const double ceiling =
      static_cast<double>(analysis.totals.hit_blocks) / static_cast<double>(analysis.totals.blocks);
  for (const GridCell& cell : cells) {
    if (plot.series.empty() || plot.series.back().name != cell.policy->name) {
      plot.series.push_back({cell.policy->name, {}, static_cast<int>(plot.series.size())});
    }
    plot.series.back().points.emplace_back(cell.capacity.ratio, cell.result.hit_ratio());
    if (plot.series.size() == 1) ideal.points.emplace_back(cell.capacity.ratio, ceiling);
  }
  plot.series.push_back(ideal);
  return plot;
}

void AppendSurvival(const TraceAnalysis& analysis, std::string& html) {
  html +=
      "<h2>Survival of idle blocks, by category</h2><p>How many touched blocks nobody has come "
      "back to after a time. The line that never falls to 0 holds those that nobody will. Idle "
      "intervals still open at the end of the trace count for as long as they were seen; the "
      "blocks of one request are one observation.</p><div class=\"plots\">\n";
  size_t left = kMaxSurvivalPlots;
  for (const auto& [name, category] : analysis.categories) {
    if (left-- == 0) break;
    AppendPlot(SurvivalPlot(name, category, analysis.duration_s), html);
  }
  if (analysis.shared_heads.intervals.intervals() > 0) {
    AppendPlot(SurvivalPlot("shared heads", analysis.shared_heads, analysis.duration_s), html);
  }
  html += "</div>\n";
}

}  // namespace

std::string HtmlReport(const std::string& title, TraceAnalysis& analysis,
                       const std::vector<GridCell>& cells, const std::vector<Table>& more_tables,
                       const std::string& tree_html) {
  Report report = AnalysisReport(analysis, false);
  report.tables.insert(report.tables.end(), more_tables.begin(), more_tables.end());
  std::string html = "<!doctype html>\n<html lang=\"en\">\n<head>\n<title>";
  absl::StrAppend(&html, EscapeLine(title), "</title>\n", kHead, "</head>\n<body>\n<h1>Reuse in ",
                  EscapeLine(title), "</h1>\n");
  AppendTable(report.tables.front(), html);
  html += "<h2>Where the hits are</h2><div class=\"plots\">\n";
  if (!cells.empty()) AppendPlot(CapacityPlot(analysis, cells), html);
  AppendPlot(PositionPlot(analysis), html);
  AppendPlot(SkewPlot(analysis), html);
  html += "</div>\n";
  html += tree_html;
  AppendSurvival(analysis, html);
  for (size_t i = 1; i < report.tables.size(); ++i) {
    absl::StrAppend(&html, "<h2>Table: ", EscapeLine(Words(report.tables[i].name)), "</h2>\n");
    AppendTable(report.tables[i], html);
  }
  return html + "</body>\n</html>\n";
}

}  // namespace halflife::tools
