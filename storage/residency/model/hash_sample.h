#pragma once

#include <cstdint>

namespace halflife {

// Which things are in a sample, by their uniform 64-bit hash. It shrinks and grows by halves, and a
// smaller form is always part of a larger one (SHARDS, Waldspurger et al., FAST'15).
class HashSample {
 public:
  bool Has(uint64_t hash) const { return hash <= limit_; }
  void Halve() { limit_ /= 2; }
  void Double() {
    if (!is_whole()) limit_ = limit_ * 2 + 1;
  }
  bool is_whole() const { return limit_ == UINT64_MAX; }
  double rate() const { return static_cast<double>(limit_) / 0x1p64; }

 private:
  uint64_t limit_ = UINT64_MAX;
};

}  // namespace halflife
