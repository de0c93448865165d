#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace halflife::tools {

// TinyLFU's counts of recent references: they stop at 15 and are halved once there were 10 new ones
// per block of capacity. Source: Einziger, Friedman and Manes, "TinyLFU: a highly efficient cache
// admission policy", ACM ToS 13(4), 2017, sections 3.2 and 3.3. Exact, where the paper's sketch
// saves memory by collisions: a simulation can afford it, and the policy is the better for it. Not
// thread-safe.
class RecentFrequency {
 public:
  RecentFrequency(size_t block_count, size_t capacity)
      : sample_(10 * capacity), counters_(block_count) {}

  void Add(uint32_t block) {
    const uint8_t count = Of(block);
    counters_[block] = {epoch_, std::min<uint8_t>(count + 1, kMaxCount)};
    if (++additions_ < sample_) return;
    ++epoch_;
    additions_ /= 2;
  }

  uint8_t Of(uint32_t block) const {
    const Counter& counter = counters_[block];
    const uint32_t halvings = epoch_ - counter.epoch;
    return halvings < 8 ? counter.count >> halvings : 0;
  }

 private:
  static constexpr uint8_t kMaxCount = 15;
  struct Counter {
    uint32_t epoch = 0;  // in which `count` was right
    uint8_t count = 0;
  };

  const uint64_t sample_;
  std::vector<Counter> counters_;
  uint64_t additions_ = 0;
  uint32_t epoch_ = 0;  // halvings so far
};

}  // namespace halflife::tools
