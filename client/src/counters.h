#pragma once

#include <atomic>
#include <cstdint>

namespace halflife::client {

// What Stats is copied from. Relaxed counters: they order nothing.
struct Counters {
  using Count = std::atomic<uint64_t>;

  Count lookups{0}, gets{0}, puts{0};
  Count timeouts{0}, unavailable{0}, breaker_rejections{0}, health_probes{0};
  Count corrupt_blocks{0}, identity_mismatches{0};
  Count get_bytes{0}, put_bytes{0}, reconnects{0};
  Count shm_gets{0}, shm_puts{0}, shm_fallbacks{0}, region_gets{0}, region_puts{0};
};

inline void Bump(Counters::Count& counter, uint64_t by = 1) {
  counter.fetch_add(by, std::memory_order_relaxed);
}
inline uint64_t Read(const Counters::Count& counter) {
  return counter.load(std::memory_order_relaxed);
}

}  // namespace halflife::client
