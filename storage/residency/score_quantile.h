#pragma once

#include <array>
#include <cstdint>

namespace halflife {

// Where the scores of what was offered lately lie: a histogram over the logarithm of the score,
// weighted by bytes and exponentially forgotten. 5 KB; adding costs one addition. Pure: time comes
// from the caller. Not thread-safe.
class ScoreQuantile {
 public:
  explicit ScoreQuantile(double half_life_s) : half_life_s_(half_life_s) {}

  void Add(double score, double bytes, int64_t now_ns);
  // Bytes per second offered lately.
  double OfferedPerS(int64_t now_ns) const;
  // What the best `share` of the bytes score: above `score` all of them, and of those that are as
  // good as it (all that fall into its bin) this part. {0, 1} of a share of 1 or more.
  struct Threshold {
    double score = 0;
    double part = 1;
  };
  Threshold BestShare(double share) const;
  enum class Place : uint8_t { kBelow, kAt, kAbove };
  static Place PlaceOf(double score, const Threshold& threshold);

 private:
  // Eighths of an octave from 2^-32 to 2^32; what lies beyond counts with the last ones.
  static constexpr int kPerOctave = 8;
  static constexpr int kBins = 64 * kPerOctave;

  static int BinOf(double score);
  void Forget(int64_t now_ns);

  const double half_life_s_;
  std::array<double, kBins> bytes_{};  // in units of `scale_`
  double total_ = 0;
  double scale_ = 1;  // grows instead of all bins shrinking
  int64_t first_ns_ = -1;
  int64_t scaled_ns_ = 0;
};

}  // namespace halflife
