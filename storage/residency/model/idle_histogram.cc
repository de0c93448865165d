#include "storage/residency/model/idle_histogram.h"

#include <cmath>

namespace halflife {
namespace {

constexpr int kMaxIterations = 200;
constexpr double kConverged = 1e-6;  // relative, of both parameters

double Sum(const std::array<double, kAgeBins>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

}  // namespace

void IdleHistogram::AddReused(double age_s, double weight) {
  const int bin = AgeBinOf(age_s);
  reused[bin] += weight;
  reused_s[bin] += weight * age_s;
}

void IdleHistogram::AddCensored(double age_s, double weight) {
  const int bin = AgeBinOf(age_s);
  censored[bin] += weight;
  censored_s[bin] += weight * age_s;
}

double IdleHistogram::intervals() const { return Sum(reused) + Sum(censored); }
double IdleHistogram::reuses() const { return Sum(reused); }

IdleHistogram& operator+=(IdleHistogram& sum, const IdleHistogram& added) {
  for (int bin = 0; bin < kAgeBins; ++bin) {
    sum.reused[bin] += added.reused[bin];
    sum.reused_s[bin] += added.reused_s[bin];
    sum.censored[bin] += added.censored[bin];
    sum.censored_s[bin] += added.censored_s[bin];
  }
  return sum;
}

IdleHistogram& operator*=(IdleHistogram& weighted, double factor) {
  for (int bin = 0; bin < kAgeBins; ++bin) {
    weighted.reused[bin] *= factor;
    weighted.reused_s[bin] *= factor;
    weighted.censored[bin] *= factor;
    weighted.censored_s[bin] *= factor;
  }
  return weighted;
}

double DefectiveExponential::SurvivalAt(double age_s) const {
  return 1 - reuse_probability + reuse_probability * std::exp(-rate_per_s * age_s);
}

double DefectiveExponential::half_life_s() const {
  return rate_per_s > 0 ? std::log(2.0) / rate_per_s : 0;
}

DefectiveExponential FitDefectiveExponential(const IdleHistogram& intervals) {
  const double reuses = intervals.reuses();
  const double all = intervals.intervals();
  const double reused_s = Sum(intervals.reused_s);
  if (reuses <= 0 || reused_s <= 0) return {};
  DefectiveExponential fit{reuses / all, reuses / reused_s};
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    double returning = 0, returning_s = 0;
    for (int bin = 0; bin < kAgeBins; ++bin) {
      const double weight = intervals.censored[bin];
      if (weight <= 0) continue;
      const double age_s = intervals.censored_s[bin] / weight;
      const double open = fit.reuse_probability * std::exp(-fit.rate_per_s * age_s);
      // A reuse_probability that rounds to 1 leaves nobody behind, however small `open` is.
      const double here = 1 - fit.reuse_probability + open;
      const double returns = here > 0 ? weight * open / here : weight;
      returning += returns;
      returning_s += returns * age_s;
    }
    const DefectiveExponential next{(reuses + returning) / all, reuses / (reused_s + returning_s)};
    const bool converged = std::abs(next.reuse_probability - fit.reuse_probability) <
                               kConverged * fit.reuse_probability &&
                           std::abs(next.rate_per_s - fit.rate_per_s) < kConverged * fit.rate_per_s;
    fit = next;
    if (converged) break;
  }
  return fit;
}

SurvivalCurve LifeTable(const IdleHistogram& intervals) {
  SurvivalCurve survival{};
  survival[0] = 1;
  double at_risk = intervals.intervals();
  for (int bin = 0; bin < kAgeBins; ++bin) {
    const double effective = at_risk - intervals.censored[bin] / 2;
    const double hazard = effective > 0 ? std::min(1.0, intervals.reused[bin] / effective) : 0;
    survival[bin + 1] = survival[bin] * (1 - hazard);
    at_risk -= intervals.reused[bin] + intervals.censored[bin];
  }
  return survival;
}

double CurveDistance(const SurvivalCurve& a, const SurvivalCurve& b, double horizon_s) {
  double distance = 0;
  for (int bin = 1; bin <= kAgeBins && AgeBinEdgeS(bin) <= horizon_s; ++bin) {
    distance = std::max(distance, std::abs(a[bin] - b[bin]));
  }
  return distance;
}

double FitDistance(const DefectiveExponential& fit, const SurvivalCurve& life_table,
                   double horizon_s) {
  SurvivalCurve fitted{};
  for (int bin = 0; bin <= kAgeBins; ++bin) fitted[bin] = fit.SurvivalAt(AgeBinEdgeS(bin));
  return CurveDistance(fitted, life_table, horizon_s);
}

}  // namespace halflife
