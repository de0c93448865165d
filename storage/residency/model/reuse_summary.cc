#include "storage/residency/model/reuse_summary.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

// Age at which the life table has come down to `survival`, by interpolation within its bin.
double AgeAt(const SurvivalCurve& table, double survival) {
  for (int bin = 0; bin < kAgeBins; ++bin) {
    if (table[bin + 1] > survival) continue;
    const double drop = table[bin] - table[bin + 1];
    const double share = drop > 0 ? (table[bin] - survival) / drop : 1;
    return AgeBinEdgeS(bin) + share * AgeBinWidthS(bin);
  }
  return AgeBinEdgeS(kAgeBins);
}

// Mean age at reuse: that of a bin is the mean of the reuses seen in it.
double MeanReuseAge(const IdleHistogram& intervals, const SurvivalCurve& table) {
  double mass = 0;
  double age_mass_s = 0;
  for (int bin = 0; bin < kAgeBins; ++bin) {
    if (intervals.reused[bin] <= 0) continue;
    const double drop = table[bin] - table[bin + 1];
    mass += drop;
    age_mass_s += drop * intervals.reused_s[bin] / intervals.reused[bin];
  }
  return mass > 0 ? age_mass_s / mass : 0;
}

}  // namespace

ReuseSummary SummariseReuse(const IdleHistogram& intervals, double horizon_s) {
  ReuseSummary summary;
  summary.intervals = intervals.intervals();
  if (summary.intervals <= 0) return summary;
  summary.exponential = FitDefectiveExponential(intervals);
  summary.life_table = LifeTable(intervals);
  summary.fit_distance = FitDistance(summary.exponential, summary.life_table, horizon_s);
  summary.uses_exponential =
      summary.fit_distance <= kExponentialFitDistance && summary.exponential.rate_per_s > 0;
  if (summary.uses_exponential) {
    summary.reuse_probability = summary.exponential.reuse_probability;
    summary.half_life_s = summary.exponential.half_life_s();
    summary.mean_s = 1 / summary.exponential.rate_per_s;
  } else if (intervals.reuses() > 0) {
    summary.reuse_probability = 1 - summary.life_table[kAgeBins];
    summary.half_life_s = AgeAt(summary.life_table, 1 - summary.reuse_probability / 2);
    summary.mean_s = MeanReuseAge(intervals, summary.life_table);
  }
  return summary;
}

}  // namespace halflife
