#pragma once

#include <cstdint>

#include "absl/container/flat_hash_set.h"
#include "common/block/block_key.h"
#include "common/endian.h"
#include "common/mutex.h"

namespace halflife {

// Which inline blocks of one generation of a partition are live, by key and number of their write:
// what SlotTable is for blocks in slots. RocksDB is not asked, for after a failure it may have lost
// the latest writes, or have some that it reported as failed. 9 to 18 bytes of memory a block.
// Thread-safe.
class InlineBlocks {
 public:
  // A new number for a block, live from here on.
  uint32_t Add(const BlockKey& key) {
    MutexLock lock(mutex_);
    while (next_ == 0 || !live_.insert(Place(key, next_)).second) ++next_;
    return next_++;
  }
  // At start: a block that was found. False if it is live already.
  bool Restore(const BlockKey& key, uint32_t number) {
    MutexLock lock(mutex_);
    if (number >= next_) next_ = number + 1;
    return live_.insert(Place(key, number)).second;
  }
  // True for one caller only: the block is that caller's to erase.
  bool Remove(const BlockKey& key, uint32_t number) {
    MutexLock lock(mutex_);
    return live_.erase(Place(key, number)) > 0;
  }
  bool Has(const BlockKey& key, uint32_t number) const {
    MutexLock lock(mutex_);
    return live_.contains(Place(key, number));
  }

 private:
  // Numbers alone would do but for damage: files that were exchanged bring one twice.
  static uint64_t Place(const BlockKey& key, uint32_t number) {
    return uint64_t{LoadLe32(key.block.data() + 8)} << 32 | number;
  }

  mutable Mutex mutex_;
  absl::flat_hash_set<uint64_t> live_ ABSL_GUARDED_BY(mutex_);
  uint32_t next_ ABSL_GUARDED_BY(mutex_) = 1;
};

}  // namespace halflife
