#pragma once

#include <cmath>
#include <cstdint>

namespace halflife::tools {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine, unlike the distributions
// of <random>. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // [0, 1).
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  // [0, limit); limit > 0. The bias of the modulo is below 2^-40 for the limits used here.
  uint64_t Below(uint64_t limit) { return Next() % limit; }
  bool Chance(double probability) { return Uniform() < probability; }
  double Exponential(double mean) { return -mean * std::log1p(-Uniform()); }

 private:
  uint64_t state_;
};

}  // namespace halflife::tools
