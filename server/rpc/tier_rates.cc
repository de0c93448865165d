#include "server/rpc/tier_rates.h"

#include <algorithm>
#include <cmath>

namespace halflife {

void TierRates::Add(Tier tier, const Sample& sample, int64_t now_ns) {
  if (sample.bytes == 0 || sample.busy_ns <= 0) return;
  const auto t = static_cast<size_t>(tier);
  MutexLock lock(mutex_);
  Sums& sums = sums_[t];
  const double age = static_cast<double>(std::max<int64_t>(0, now_ns - sums.at_ns));
  const double weight = std::exp2(-age / static_cast<double>(kHalfLifeNs));
  sums.at_ns = std::max(sums.at_ns, now_ns);
  sums.bytes = sums.bytes * weight + static_cast<double>(sample.bytes);
  sums.busy_ns = sums.busy_ns * weight + static_cast<double>(sample.busy_ns);
  sums.queue_ns =
      sums.queue_ns * weight + static_cast<double>(std::max<int64_t>(0, sample.queue_ns));
  sums.samples = sums.samples * weight + 1;
  published_[t].queue_us.store(static_cast<uint32_t>(sums.queue_ns / sums.samples / 1e3),
                               std::memory_order_relaxed);
  published_[t].bytes_per_second.store(
      std::max<uint64_t>(1, static_cast<uint64_t>(sums.bytes / sums.busy_ns * 1e9)),
      std::memory_order_relaxed);
}

std::optional<TierRates::Rate> TierRates::Of(Tier tier) const {
  const Published& published = published_[static_cast<size_t>(tier)];
  const uint64_t rate = published.bytes_per_second.load(std::memory_order_relaxed);
  if (rate == 0) return std::nullopt;
  return Rate{rate, published.queue_us.load(std::memory_order_relaxed)};
}

}  // namespace halflife
