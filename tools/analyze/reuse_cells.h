#pragma once

#include <array>
#include <vector>

#include "storage/residency/model/idle_histogram.h"
#include "tools/output/report.h"

namespace halflife::tools {

// How tables say what a set of idle intervals is like, whosever they are.

// Appends intervals, reuse_probability_ratio, half_life_seconds, mean_gap_seconds,
// fit_distance_ratio, model and distance_of_halves_ratio (of the life tables of a trace's halves).
void AppendReuse(const IdleHistogram& intervals, const std::array<IdleHistogram, 2>& halves,
                 double horizon_s, std::vector<Cell>& row);

// category, age_seconds, life_table_survival, exponential_survival, reused, reused_age_seconds,
// censored, censored_age_seconds: one row per age bin, for AddCurve.
Table CurveTable(const char* name);
// Every row: survival at the beginning of an age bin, and the intervals that ended within it.
void AddCurve(const Cell& category, const IdleHistogram& intervals, double horizon_s, Table& table);

}  // namespace halflife::tools
