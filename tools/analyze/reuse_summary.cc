#include "tools/analyze/reuse_summary.h"

#include <algorithm>
#include <cmath>

namespace halflife::tools {
namespace {

// Age at which the life table has come down to `survival`, by interpolation within its bin.
double AgeAt(const std::array<double, kAgeBins + 1>& table, double survival) {
  for (int bin = 0; bin < kAgeBins; ++bin) {
    if (table[bin + 1] > survival) continue;
    const double drop = table[bin] - table[bin + 1];
    const double share = drop > 0 ? (table[bin] - survival) / drop : 1;
    return BinEdgeS(bin) + share * AgeBinWidthS(bin);
  }
  return BinEdgeS(kAgeBins);
}

// Mean age at reuse: that of a bin is the mean of the reuses seen in it.
double MeanReuseAge(const IdleHistogram& intervals, const std::array<double, kAgeBins + 1>& table) {
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

double BinEdgeS(int bin) {
  return bin < kAgeBins ? kAgeEdgesS[bin] : kAgeEdgesS[kAgeBins - 1] + AgeBinWidthS(kAgeBins - 1);
}

double LifeTableDistance(const std::array<double, kAgeBins + 1>& a,
                         const std::array<double, kAgeBins + 1>& b, double horizon_s) {
  double distance = 0;
  for (int bin = 1; bin <= kAgeBins && BinEdgeS(bin) <= horizon_s; ++bin) {
    distance = std::max(distance, std::abs(a[bin] - b[bin]));
  }
  return distance;
}

ReuseSummary SummariseReuse(const IdleHistogram& intervals, double horizon_s) {
  ReuseSummary summary;
  summary.intervals = intervals.intervals();
  if (summary.intervals <= 0) return summary;
  summary.exponential = FitDefectiveExponential(intervals);
  summary.life_table = LifeTable(intervals);
  std::array<double, kAgeBins + 1> fitted{};
  for (int bin = 0; bin <= kAgeBins; ++bin) {
    fitted[bin] = summary.exponential.SurvivalAt(BinEdgeS(bin));
  }
  // Beyond the horizon the life table does not fall any more, for want of data.
  summary.fit_distance = LifeTableDistance(fitted, summary.life_table, horizon_s);
  summary.uses_exponential =
      summary.fit_distance <= kGoodFitDistance && summary.exponential.rate_per_s > 0;
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

}  // namespace halflife::tools
