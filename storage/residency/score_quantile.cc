#include "storage/residency/score_quantile.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

constexpr double kNsPerS = 1e9;
constexpr double kLargestScale = 1e12;

}  // namespace

int ScoreQuantile::BinOf(double score) {
  if (!(score > 0)) return 0;
  const double place = std::log2(score) * kPerOctave + kBins / 2.0;
  return static_cast<int>(std::clamp(place, 0.0, kBins - 1.0));
}

void ScoreQuantile::Forget(int64_t now_ns) {
  if (first_ns_ < 0) first_ns_ = scaled_ns_ = now_ns;
  const double elapsed_s = static_cast<double>(std::max<int64_t>(now_ns - scaled_ns_, 0)) / kNsPerS;
  scaled_ns_ = std::max(scaled_ns_, now_ns);
  scale_ *= std::exp2(elapsed_s / half_life_s_);
  if (scale_ < kLargestScale) return;
  for (double& bytes : bytes_) bytes /= scale_;
  total_ /= scale_;
  scale_ = 1;
}

void ScoreQuantile::Add(double score, double bytes, int64_t now_ns) {
  Forget(now_ns);
  bytes_[BinOf(score)] += bytes * scale_;
  total_ += bytes * scale_;
}

double ScoreQuantile::OfferedPerS(int64_t now_ns) const {
  if (first_ns_ < 0) return 0;
  const double observed_s = static_cast<double>(now_ns - first_ns_) / kNsPerS;
  const double mean_life_s = half_life_s_ / std::log(2.0);
  // A constant rate fills the histogram with rate * mean life * (1 - 2^(-observed/half life)).
  const double filled = -std::expm1(-std::max(observed_s, 1.0) / mean_life_s);
  return total_ / scale_ / (mean_life_s * filled);
}

ScoreQuantile::Threshold ScoreQuantile::BestShare(double share) const {
  if (share >= 1 || total_ <= 0) return {};
  double wanted = share * total_;
  for (int bin = kBins - 1; bin >= 0; --bin) {
    if (bytes_[bin] > 0 && bytes_[bin] >= wanted) {
      // The middle of the bin, where PlaceOf finds it again.
      return {std::exp2((bin + 0.5 - kBins / 2.0) / kPerOctave), wanted / bytes_[bin]};
    }
    wanted -= bytes_[bin];
  }
  return {};
}

ScoreQuantile::Place ScoreQuantile::PlaceOf(double score, const Threshold& threshold) {
  if (threshold.score <= 0) return Place::kAbove;
  const int bin = BinOf(score);
  const int at = BinOf(threshold.score);
  return bin > at ? Place::kAbove : bin < at ? Place::kBelow : Place::kAt;
}

}  // namespace halflife
