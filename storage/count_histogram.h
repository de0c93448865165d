#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <cstdint>

namespace halflife {

// Counts of whole numbers, such as hits or blocks, in buckets that end exactly at 0, 1, 2, 4, 8 …
// 4,096 and infinity. (Histogram's bounds lie between powers of two: right for times, wrong for
// chains that are 16 blocks long.) Lock-free: two relaxed increments per Record. Thread-safe.
class CountHistogram {
 public:
  static constexpr int kBounds = 14;  // 0, 1, 2, 4 … 4096

  struct Snapshot {
    std::array<uint64_t, kBounds + 1> counts{};  // the last one: above every bound
    uint64_t sum = 0;
  };

  void Record(uint64_t value) {
    counts_[BucketOf(value)].fetch_add(1, std::memory_order_relaxed);
    sum_.fetch_add(value, std::memory_order_relaxed);
  }

  Snapshot snapshot() const {
    Snapshot snapshot;
    for (size_t i = 0; i < counts_.size(); ++i) {
      snapshot.counts[i] = counts_[i].load(std::memory_order_relaxed);
    }
    snapshot.sum = sum_.load(std::memory_order_relaxed);
    return snapshot;
  }

  // Largest value of a bucket, 0 <= bucket < kBounds.
  static constexpr uint64_t UpperBound(int bucket) {
    return bucket == 0 ? 0 : uint64_t{1} << (bucket - 1);
  }

 private:
  static int BucketOf(uint64_t value) {
    if (value <= 1) return static_cast<int>(value);
    const int bucket = std::bit_width(value - 1) + 1;
    return bucket < kBounds ? bucket : kBounds;
  }

  std::array<std::atomic<uint64_t>, kBounds + 1> counts_{};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace halflife
