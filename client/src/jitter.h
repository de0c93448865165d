#pragma once

#include <cstdint>

namespace halflife::client {

// Factors in [0.8, 1.2), so that clients that lost one daemon do not come back in step. Not
// thread-safe. SplitMix64 (Steele, Lea, Flood 2014).
class Jitter {
 public:
  explicit Jitter(uint64_t seed) : state_(seed) {}

  double Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return 0.8 + 0.4 * (static_cast<double>(z >> 11) * 0x1.0p-53);
  }

 private:
  uint64_t state_;
};

}  // namespace halflife::client
