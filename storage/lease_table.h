#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/limits.h"
#include "common/mutex.h"
#include "storage/block_store.h"

namespace halflife {

// Blocks that are promised to a client until a time: each lease holds references, so its bytes stay
// whatever is evicted or deleted. Bounded in number and bytes. Ids are random over 64 bits: a
// client cannot name another's lease. Thread-safe; never frees a block with its lock held.
class LeaseTable {
 public:
  struct Limits {
    uint64_t max_bytes = 0;  // arena bytes under leases
    uint32_t max_leases = kMaxLeases;
    // Of one owner, in percent of max_bytes: nobody can pin what all have.
    uint32_t owner_percent = 50;
  };
  struct Stats {
    uint64_t leases = 0;
    uint64_t bytes = 0;
    uint64_t expired = 0;  // since start
    // Of the above, what has an owner.
    uint64_t owned_leases = 0;
    uint64_t owned_bytes = 0;
  };

  explicit LeaseTable(const Limits& limits) : limits_(limits) {}

  // `owner` is who dies with it, see ReleaseAllOf; 0 = nobody. Returns: kResourceExhausted if there
  // are too many leases, or bytes under them or under those of the owner.
  absl::StatusOr<LeaseId> Add(BlockStore::LeasedBlocks blocks, int64_t expires_ns,
                              uint64_t owner = 0);
  // Returns: kNotFound if there is no such lease, or it has expired.
  absl::Status Release(LeaseId id, int64_t now_ns);
  absl::Status Renew(LeaseId id, int64_t now_ns, int64_t expires_ns);
  // Those of one owner (not 0), as many as it has. Linear in the number of all leases.
  void ReleaseAllOf(uint64_t owner);
  // Returns: kAborted if there is no such lease, or it has expired.
  absl::StatusOr<BlockStore::LeasedBlocks> Find(LeaseId id, int64_t now_ns) const;

  // Frees at most `limit` expired leases. Returns true if it found that many.
  bool ExpireSome(int64_t now_ns, size_t limit);

  std::vector<std::shared_ptr<const BlockStore::LeasedBlocks>> All() const;
  uint64_t free_bytes() const;
  Stats stats() const;

 private:
  struct Lease {
    std::shared_ptr<const BlockStore::LeasedBlocks> blocks;
    uint64_t bytes = 0;
    int64_t expires_ns = 0;
    uint64_t owner = 0;
  };
  // Takes a lease out of the table; the caller frees it behind the lock.
  Lease TakeLocked(absl::flat_hash_map<LeaseId, Lease>::iterator it)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Limits limits_;

  mutable Mutex mutex_;
  absl::flat_hash_map<LeaseId, Lease> leases_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<uint64_t, uint64_t> owner_bytes_ ABSL_GUARDED_BY(mutex_);
  uint64_t owned_leases_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t expired_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
