#include "storage/residency/model/retention_index.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

constexpr double kMinHazardPerS = 1e-9;
constexpr double kNegligibleSurvival = 1e-6;

}  // namespace

std::array<double, kAgeBins> RetentionIndexOf(absl::Span<const double> hazard_per_s) {
  // Given that the interval is open at the beginning of a bin: does it end in it, how long does it
  // last in it, is it open at the end.
  std::array<double, kAgeBins> reused, kept_s, open;
  for (int bin = 0; bin < kAgeBins; ++bin) {
    const double hazard = std::max(hazard_per_s[bin], kMinHazardPerS);
    reused[bin] = -std::expm1(-hazard * AgeBinWidthS(bin));
    kept_s[bin] = reused[bin] / hazard;
    open[bin] = 1 - reused[bin];
  }
  std::array<double, kAgeBins> index{};
  for (int bin = 0; bin < kAgeBins; ++bin) {
    double survival = 1, reuses = 0, seconds = 0;
    double best_reuses = 0, best_seconds = 1;
    for (int stop = bin; stop < kAgeBins && survival > kNegligibleSurvival; ++stop) {
      reuses += survival * reused[stop];
      seconds += survival * kept_s[stop];
      survival *= open[stop];
      if (reuses * best_seconds <= best_reuses * seconds) continue;
      best_reuses = reuses;
      best_seconds = seconds;
    }
    index[bin] = best_reuses / best_seconds;
  }
  return index;
}

double ReuseWithin(absl::Span<const double> base_per_s, double multiplier, double age_s,
                   double horizon_s) {
  double expected = 0;
  for (int bin = AgeBinOf(age_s); bin < kAgeBins; ++bin) {
    const double from_s = std::max(age_s, AgeBinEdgeS(bin));
    const double to_s = std::min(age_s + horizon_s, AgeBinEdgeS(bin + 1));
    if (to_s <= from_s) break;
    expected += base_per_s[bin] * multiplier * (to_s - from_s);
  }
  return -std::expm1(-expected);
}

void RetentionTable::Compute(int group, int level) const {
  const double multiplier = MultiplierOfLevel(level);
  std::array<double, kAgeBins> hazard;
  for (int bin = 0; bin < kAgeBins; ++bin) hazard[bin] = fit_.base[group][bin] * multiplier;
  const std::array<double, kAgeBins> index = RetentionIndexOf(hazard);
  std::copy(index.begin(), index.end(), curves_[group][level].begin());
  known_[group].set(level);
}

}  // namespace halflife
