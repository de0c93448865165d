#pragma once

#include <atomic>
#include <cstdint>

namespace halflife {

// The byte quota of the SSD tier, shared by everything that takes room on the file system: slot
// files, RocksDB, quarantines. What is taken here is an upper bound of what is on the disk.
// Thread-safe, lock-free.
class SsdQuota {
 public:
  explicit SsdQuota(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  // False, and nothing taken, if `bytes` more would pass the limit.
  bool TryTake(uint64_t bytes) {
    uint64_t taken = taken_bytes_.load(std::memory_order_relaxed);
    do {
      if (taken > limit_bytes_ || bytes > limit_bytes_ - taken) return false;
    } while (!taken_bytes_.compare_exchange_weak(taken, taken + bytes, std::memory_order_relaxed));
    return true;
  }
  // Takes without asking: for bytes that are on the disk already. Nothing else is granted until
  // they are gone.
  void Take(uint64_t bytes) { taken_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  void GiveBack(uint64_t bytes) { taken_bytes_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t free_bytes() const {
    const uint64_t taken = taken_bytes_.load(std::memory_order_relaxed);
    return taken < limit_bytes_ ? limit_bytes_ - taken : 0;
  }

 private:
  const uint64_t limit_bytes_;
  std::atomic<uint64_t> taken_bytes_{0};
};

}  // namespace halflife
