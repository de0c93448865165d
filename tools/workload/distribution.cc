#include "tools/workload/distribution.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace halflife::tools {
namespace {

// Quantiles of 0 are taken as this when a logarithm is needed: less than one token, less than a
// millisecond.
constexpr double kLeast = 1e-3;

double Interpolate(const Distribution::Point& a, const Distribution::Point& b, double q) {
  const double share = (q - a.q) / (b.q - a.q);
  const double low = std::log(std::max(a.value, kLeast));
  const double high = std::log(std::max(b.value, kLeast));
  return std::exp(low + share * (high - low));
}

}  // namespace

Distribution Distribution::Quantiles(std::vector<Point> points) {
  HL_CHECK(points.size() >= 2 && points.front().q == 0 && points.back().q == 1);
  Distribution distribution;
  distribution.points_ = std::move(points);
  return distribution;
}

Distribution Distribution::Exponential(double mean) { return TwoExponentials(1, mean, mean); }

Distribution Distribution::TwoExponentials(double share, double short_mean, double long_mean) {
  Distribution distribution;
  distribution.share_ = share;
  distribution.short_mean_ = short_mean;
  distribution.long_mean_ = long_mean;
  return distribution;
}

Distribution Distribution::Constant(double value) { return Quantiles({{0, value}, {1, value}}); }

double Distribution::Draw(Random& random) const {
  if (points_.empty()) {
    return random.Exponential(random.Chance(share_) ? short_mean_ : long_mean_);
  }
  const double q = random.Uniform();
  size_t i = 1;
  while (i + 1 < points_.size() && points_[i].q <= q) ++i;
  return Interpolate(points_[i - 1], points_[i], q);
}

double Distribution::Mean() const {
  if (points_.empty()) return share_ * short_mean_ + (1 - share_) * long_mean_;
  double mean = 0;
  for (size_t i = 1; i < points_.size(); ++i) {
    const double low = std::max(points_[i - 1].value, kLeast);
    const double high = std::max(points_[i].value, kLeast);
    // Mean of the log-uniform distribution between two quantiles.
    const double piece = high > low ? (high - low) / std::log(high / low) : low;
    mean += (points_[i].q - points_[i - 1].q) * piece;
  }
  return mean;
}

}  // namespace halflife::tools
