#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace halflife {

// Counts of values in fixed buckets, lock-free: one relaxed increment per Record. For metrics
// (upper bounds in the unit of the metric) and for percentiles of benchmarks and replays.
// Thread-safe.
//
// Log-linear: 8 buckets per power of two from 1 to 2^40, so a percentile is at most 12.5 % off. The
// unit is the caller's (nanoseconds for latencies, milliseconds for lifespans).
class Histogram {
 public:
  static constexpr int kSubBuckets = 8;
  static constexpr int kPowers = 41;
  static constexpr int kBuckets = kSubBuckets * kPowers;

  struct Snapshot {
    std::vector<uint64_t> counts;  // kBuckets
    uint64_t count = 0;
    double sum = 0;

    // Value at quantile q of [0, 1]: the upper bound of its bucket; 0 if empty.
    double Quantile(double q) const;
    // Number of values <= bound (bucket granularity).
    uint64_t CountAtMost(double bound) const;
    void Add(const Snapshot& other);
  };

  void Record(uint64_t value, uint64_t times = 1);
  Snapshot snapshot() const;

  static int BucketOf(uint64_t value);
  static double UpperBound(int bucket);

 private:
  std::array<std::atomic<uint64_t>, kBuckets> counts_{};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace halflife
