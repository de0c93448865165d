#pragma once

#include <vector>

#include "tools/workload/random.h"

namespace halflife::tools {

// A distribution of a positive quantity, given as it was published or measured. Immutable.
class Distribution {
 public:
  struct Point {
    double q;      // of [0, 1], ascending, first 0, last 1
    double value;  // not negative, ascending
  };

  // Between the quantiles the logarithm is interpolated: lengths and gaps span decades.
  static Distribution Quantiles(std::vector<Point> points);
  static Distribution Exponential(double mean);
  // With probability `share` exponential with mean `short_mean`, else with `long_mean`.
  static Distribution TwoExponentials(double share, double short_mean, double long_mean);
  static Distribution Constant(double value);

  double Draw(Random& random) const;
  // Exact for exponentials, of the interpolation for quantiles.
  double Mean() const;

 private:
  std::vector<Point> points_;  // empty: exponentials
  double share_ = 1, short_mean_ = 0, long_mean_ = 0;
};

}  // namespace halflife::tools
