#pragma once

#include <cstdint>
#include <map>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"
#include "storage/residency/model/hint_mark.h"

namespace halflife {

// Bytes that callers have asked to be retained, by namespace, until each retention ends. Bounded,
// so that nobody fills the cache with wishes. What is asked for twice counts twice, until the first
// of both has ended. Thread-safe.
class RetainLedger {
 public:
  struct Limits {
    uint64_t max_bytes = 0;
    uint64_t max_namespace_bytes = 0;
  };

  explicit RetainLedger(const Limits& limits) : limits_(limits) {}

  // How many of `blocks`, of `block_bytes` each, may be retained until `until_ns`; they count from
  // now on.
  uint32_t Grant(uint32_t namespace_number, uint64_t block_bytes, uint32_t blocks, int64_t now_ns,
                 int64_t until_ns);
  // What was granted until `until_ns` is not retained after all.
  void TakeBack(uint32_t namespace_number, uint64_t block_bytes, uint32_t blocks, int64_t until_ns);
  uint64_t bytes(int64_t now_ns) const;

 private:
  using BytesByNamespace = absl::flat_hash_map<uint32_t, uint64_t>;

  // Ends are whole steps of HintMark: bounded by HintMark::kRetainQueues.
  static int64_t StepOf(int64_t until_ns) {
    return (until_ns + HintMark::kRetainStepNs - 1) / HintMark::kRetainStepNs;
  }
  void ExpireLocked(int64_t now_ns) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndLocked(uint32_t namespace_number, uint64_t bytes) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;

  mutable Mutex mutex_;
  mutable std::map<int64_t, BytesByNamespace> by_step_ ABSL_GUARDED_BY(mutex_);
  mutable BytesByNamespace by_namespace_ ABSL_GUARDED_BY(mutex_);
  mutable uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
