#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "common/mutex.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// How fast each tier has been read lately, measured on real Gets: for callers that weigh loading
// against computing. Sums of bytes and times whose weight halves every kHalfLifeNs, so that large
// transfers count for more than small ones. Thread-safe; reading takes no lock.
class TierRates {
 public:
  static constexpr int64_t kHalfLifeNs = int64_t{10} * 1000 * 1000 * 1000;

  struct Rate {
    uint64_t bytes_per_second = 0;  // never 0
    uint32_t queue_us = 0;
  };
  struct Sample {
    uint64_t bytes = 0;
    int64_t busy_ns = 0;   // ignored unless positive
    int64_t queue_ns = 0;  // from asking to beginning
  };

  void Add(Tier tier, const Sample& sample, int64_t now_ns);
  // nullopt until it was measured once.
  std::optional<Rate> Of(Tier tier) const;

 private:
  struct Sums {
    int64_t at_ns = 0;
    double bytes = 0, busy_ns = 0, queue_ns = 0, samples = 0;
  };
  struct Published {
    std::atomic<uint64_t> bytes_per_second{0};
    std::atomic<uint32_t> queue_us{0};
  };

  std::array<Published, kTierCount> published_{};

  Mutex mutex_;
  std::array<Sums, kTierCount> sums_ ABSL_GUARDED_BY(mutex_){};
};

}  // namespace halflife
