#pragma once

#include "tools/analyze/trace_analysis.h"
#include "tools/output/report.h"

namespace halflife::tools {

// Tables of an analysis. Sorts its samples. `with_curves`: also every category's life table, from
// which the figures of the category can be computed again.
Report AnalysisReport(TraceAnalysis& analysis, bool with_curves);

}  // namespace halflife::tools
