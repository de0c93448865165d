#pragma once

#include "tools/analyze/trace_analysis.h"
#include "tools/output/report.h"

namespace halflife::tools {

// Tables of an analysis. Sorts its samples. `with_curves`: also every category's life table, from
// which the figures of the category can be computed again.
Report AnalysisReport(TraceAnalysis& analysis, bool with_curves);

// reuse_counts, time_counts and depths: what skew, percentiles, positions and the saved recompute
// ratio are computed from. A row per value: up to two per request. Sorts the samples.
void AddEvidence(TraceAnalysis& analysis, Report& report);

}  // namespace halflife::tools
