#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/block/block_key.h"
#include "common/block/namespace_limits.h"
#include "common/mutex.h"

namespace halflife {

// What namespaces hold in DRAM, to the byte of payload, and what the operator's limits say about
// it. A limit is a rule by its number, counted from 1; the namespaces that it takes share it.
// Namespaces are known by the half of their keys. It counts and answers; who evicts and refuses are
// the migrator and the store. Without rules it counts nothing and costs nothing. Thread-safe.
class NamespaceLedger {
 public:
  static constexpr uint16_t kNoLimit = 0;

  explicit NamespaceLedger(std::vector<NamespaceLimitRule> rules = {});

  bool has_limits() const { return !rules_.empty(); }
  // Numbers of limits are below this; 1 without any.
  uint16_t limits() const { return static_cast<uint16_t>(rules_.size() + 1); }
  // Of any limit but kNoLimit.
  const NamespaceLimitRule& RuleOf(uint16_t limit) const { return rules_[limit - 1]; }

  // Before its first block arrives, and when its last one is gone.
  void Open(const Digest128& prefix, const NamespaceDescriptor& descriptor);
  void Close(const Digest128& prefix);
  uint16_t LimitOf(const Digest128& prefix) const;

  void Arrived(const Digest128& prefix, uint64_t bytes) {
    Count(prefix, static_cast<int64_t>(bytes));
  }
  // As Arrived, unless that would take it above the ceiling: then false, and nothing is counted.
  bool ArriveBelowCeiling(const Digest128& prefix, uint64_t bytes);
  void Left(const Digest128& prefix, uint64_t bytes) {
    Count(prefix, -static_cast<int64_t>(bytes));
  }

  // Bytes of all namespaces that share the limit.
  uint64_t BytesUnder(uint16_t limit) const;
  // How many bytes would have to go for `bytes` more; 0 if they fit.
  uint64_t ExcessWith(uint16_t limit, uint64_t bytes) const;
  uint64_t BytesOf(const Digest128& prefix) const;

 private:
  struct Entry {
    uint16_t limit = kNoLimit;
    bool is_open = false;
    // Below 0 for a moment where a block is deleted while its arrival is being counted.
    int64_t bytes = 0;
  };

  void Count(const Digest128& prefix, int64_t bytes);
  void CountLocked(const Digest128& prefix, int64_t bytes) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const std::vector<NamespaceLimitRule> rules_;

  mutable Mutex mutex_;
  absl::flat_hash_map<Digest128, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> bytes_under_ ABSL_GUARDED_BY(mutex_);  // by limit
};

}  // namespace halflife
