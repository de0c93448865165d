#pragma once

#include <string>
#include <vector>

#include "tools/analyze/trace_analysis.h"
#include "tools/output/report.h"
#include "tools/simulate/simulation_grid.h"

namespace halflife::tools {

// An analysis as one HTML page that needs nothing else: no script, no font, no network. `cells`:
// hit ratios by policy and capacity, for the curve; `tree_html`: TreeAsHtml; both may be empty.
// Sorts the analysis' samples.
std::string HtmlReport(const std::string& title, TraceAnalysis& analysis,
                       const std::vector<GridCell>& cells,
                       const std::vector<Table>& more_tables = {},
                       const std::string& tree_html = "");

}  // namespace halflife::tools
