#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace halflife {

// Makes broken variants of good inputs: flips, cuts, inserts, splices. The same seed gives the same
// variants on every machine. Not thread-safe.
class Mutator {
 public:
  // `corpus` is not empty and outlives the mutator.
  Mutator(const std::vector<std::string>& corpus, uint64_t seed) : corpus_(corpus), random_(seed) {}

  // 1 to 6 changes of one input, at most kMaxBytes long.
  std::string Next();

  static constexpr size_t kMaxBytes = 64 << 10;

 private:
  void ChangeOnce(std::string& bytes);
  size_t Below(size_t limit) { return limit == 0 ? 0 : random_() % limit; }

  const std::vector<std::string>& corpus_;
  std::mt19937_64 random_;
};

}  // namespace halflife
