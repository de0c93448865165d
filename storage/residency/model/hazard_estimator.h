#pragma once

#include <array>

#include "storage/residency/model/age_bins.h"
#include "storage/residency/model/reuse_features.h"

namespace halflife {

// A proportional hazard of reuse (Cox 1972, with a piecewise constant base):
//   h(age | block, request) = base[history group][age bin] * product of multiplier[factor][level]
// in events per second. A value; immutable where it is shared.
struct HazardFit {
  HazardFit();

  double MultiplierOf(const RequestFeatures& features) const;

  std::array<std::array<double, kAgeBins>, kHistoryGroups> base;
  std::array<std::array<double, kFactorLevels>, kRequestFactors> multiplier;
};

// Counts events and time at risk of idle intervals, forgets them exponentially, and fits a
// HazardFit to them by backfitting: each curve and each factor is the ratio of the events seen to
// those that the rest of the last fit expected. Intervals that are still open, or whose block has
// been evicted, count with their time at risk: this is the occurrence/exposure estimate under
// censoring, which agrees with Kaplan-Meier on the same bins. Not thread-safe.
class HazardEstimator {
 public:
  // Weighted events after which the older half of the evidence counts half. One hour: over a day
  // the mix of a workload changes, within an hour it hardly does (arXiv 2506.02634 3.3).
  static constexpr double kHalfLifeS = 3600;

  // Intervals of this kind were open from `from_s` to `to_s` of their age. `multiplier` is that of
  // the request when the interval was opened.
  struct Interval {
    uint8_t group = 0;
    RequestFeatures features;
    float multiplier = 1;
  };
  // Returns how many reuses the fit expected of them, their category left out.
  double AddTimeAtRisk(const Interval& interval, double from_s, double to_s, double weight);
  void AddReuse(const Interval& interval, double age_s, double weight);

  void Forget(double elapsed_s);
  // What is known of a category is no longer true: only what was seen in the last `span_s`, so many
  // reuses where the rest of the fit expected so many, is. The curves and the other factors are
  // shared: they lose as much of their evidence as the category had given them before that.
  void Relearn(int category, double reuses, double expected, double span_s);
  void Fit();

  const HazardFit& fit() const { return fit_; }
  double events() const;  // weighted, not forgotten

 private:
  using Curves = std::array<std::array<double, kAgeBins>, kHistoryGroups>;
  using Factors = std::array<std::array<double, kFactorLevels>, kRequestFactors>;

  void FitBase();
  void Scale(double kept);
  double ShareOf(int category) const;

  Curves events_{};
  Curves expected_s_{};  // multiplier x seconds at risk
  Factors factor_events_{};
  Factors factor_expected_{};  // events that the base and the other factors expect
  HazardFit fit_;
};

}  // namespace halflife
