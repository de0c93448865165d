#pragma once

#include <array>
#include <bitset>

#include "absl/types/span.h"
#include "storage/residency/model/age_bins.h"
#include "storage/residency/model/hazard_estimator.h"

namespace halflife {

// The most reuses per second of residence that keeping a block can yield, over all times at which
// one could stop keeping it: with S the survival of the idle interval from the given age on,
//   G(age) = max over stops T of  P(reuse before T) / E[time kept until reuse or T].
// This is the Gittins index of a job whose service time is the idle interval (optimal stopping;
// Gittins 1979), and the price per block-second at which the block is just worth its place. Unlike
// a plain hazard it sees a mode behind a dead time: on a coding-agent trace blocks come back after
// 8 to 15 seconds and hardly before 5.
//
// One value per age bin: that at its beginning. `hazard_per_s` has one value per age bin.
std::array<double, kAgeBins> RetentionIndexOf(absl::Span<const double> hazard_per_s);

// The probability that an idle interval of this age ends within `horizon_s`, under a hazard of
// `multiplier` times `base_per_s`, which has one value per age bin.
double ReuseWithin(absl::Span<const double> base_per_s, double multiplier, double age_s,
                   double horizon_s);

// The index of every history group, multiplier level and age under one fit: about 1,500 curves, of
// which a workload uses some 200. A curve is computed when it is first asked for (about 3 us).
// Not thread-safe.
class RetentionTable {
 public:
  void Refresh(const HazardFit& fit) {
    fit_ = fit;
    for (auto& group : known_) group.reset();
  }

  // Interpolated between the beginnings of two age bins.
  double IndexOf(int group, int level, double age_s) const {
    if (!known_[group][level]) Compute(group, level);
    const auto& curve = curves_[group][level];
    const int bin = AgeBinOf(age_s);
    if (bin + 1 >= kAgeBins) return curve[bin];
    const double part = (age_s - kAgeEdgesS[bin]) / AgeBinWidthS(bin);
    return curve[bin] + part * (curve[bin + 1] - curve[bin]);
  }

 private:
  void Compute(int group, int level) const;

  HazardFit fit_;
  // Filled in as they are needed.
  mutable std::array<std::bitset<kMultiplierLevels>, kHistoryGroups> known_{};
  mutable std::array<std::array<std::array<float, kAgeBins>, kMultiplierLevels>, kHistoryGroups>
      curves_{};
};

}  // namespace halflife
