#include "storage/residency/categories/leaf_model.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

// Weight of the prior in a bin's hazard, in requests: k = 10 as in the daemon's hazard fit
// (hazard_estimator.h; fitted on the Mooncake chat trace).
constexpr double kPriorRequests = 10;
constexpr double kLeastHazard = 1e-6;  // finite logarithms

double Clamped(double hazard) { return std::clamp(hazard, kLeastHazard, 1 - kLeastHazard); }

BinHazard HazardOf(const DefectiveExponential& fit) {
  BinHazard hazard{};
  double before = 1;
  for (int bin = 0; bin < kAgeBins; ++bin) {
    const double after = fit.SurvivalAt(AgeBinEdgeS(bin + 1));
    hazard[bin] = Clamped(before > 0 ? 1 - after / before : 0);
    before = after;
  }
  return hazard;
}

// Maximum likelihood, kept off the borders that no finite sample justifies: half a request is added
// to either side of the reuse probability (Krichevsky & Trofimov, IEEE Trans. Inf. Theory 27,
// 1981).
DefectiveExponential BoundedFit(const IdleHistogram& intervals) {
  DefectiveExponential fit = FitDefectiveExponential(intervals);
  const double requests = intervals.intervals();
  const double least = 0.5 / (requests + 1);
  fit.reuse_probability = std::clamp(fit.reuse_probability, least, 1 - least);
  if (fit.rate_per_s > 0) return fit;
  double watched_s = 0;
  for (const double censored_s : intervals.censored_s) watched_s += censored_s;
  fit.rate_per_s = watched_s > 0 ? requests / watched_s : 1;
  return fit;
}

}  // namespace

double LeafModel::LogLikelihood(const IdleHistogram& intervals) const {
  double sum = 0;
  double beyond = 0;  // intervals that pass through the whole bin
  for (int bin = kAgeBins - 1; bin >= 0; --bin) {
    const double reused = intervals.reused[bin];
    const double censored = intervals.censored[bin];
    if (reused > 0) sum += reused * std::log(hazard[bin]);
    const double survived = beyond + censored / 2;
    if (survived > 0) sum += survived * std::log1p(-hazard[bin]);
    beyond += reused + censored;
  }
  return sum;
}

LeafModel FitAsExponential(const IdleHistogram& intervals) {
  LeafModel model;
  model.exponential = BoundedFit(intervals);
  model.hazard = HazardOf(model.exponential);
  return model;
}

LeafModel FitAsLifeTable(const IdleHistogram& intervals, const BinHazard& prior) {
  LeafModel model;
  model.uses_exponential = false;
  double at_risk = intervals.intervals();
  for (int bin = 0; bin < kAgeBins; ++bin) {
    const double effective = std::max(at_risk - intervals.censored[bin] / 2, 0.0);
    model.hazard[bin] = Clamped((intervals.reused[bin] + kPriorRequests * prior[bin]) /
                                (effective + kPriorRequests));
    at_risk -= intervals.reused[bin] + intervals.censored[bin];
  }
  return model;
}

LeafModel FitLeafModel(const IdleHistogram& intervals, const BinHazard& prior, double horizon_s) {
  LeafModel model = FitAsExponential(intervals);
  if (intervals.intervals() <= 0) return model;
  model.fit_distance = FitDistance(model.exponential, LifeTable(intervals), horizon_s);
  if (model.fit_distance <= kExponentialFitDistance) return model;
  model.hazard = FitAsLifeTable(intervals, prior).hazard;
  model.uses_exponential = false;
  return model;
}

BinHazard PriorHazard(const IdleHistogram& all_intervals) {
  return HazardOf(BoundedFit(all_intervals));
}

int LifeTableParameters(const IdleHistogram& intervals) {
  return static_cast<int>(std::count_if(intervals.reused.begin(), intervals.reused.end(),
                                        [](double reused) { return reused > 0; }));
}

}  // namespace halflife
