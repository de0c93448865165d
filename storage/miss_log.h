#pragma once

#include <cstdint>
#include <vector>

#include "common/block/attributes.h"
#include "common/block/block_id.h"
#include "common/mutex.h"

namespace halflife {

enum class MissReason : uint8_t;

// A look-up that did not find all it asked for.
struct RecentMiss {
  int64_t time_ns = 0;  // Clock time
  NamespaceId ns;
  BlockHash hash;  // of the first block that was missing
  uint32_t group = 0;
  uint32_t depth = 0;       // of that block
  uint32_t hit_blocks = 0;  // before it
  uint32_t missed_blocks = 0;
  Category category = 0;
  MissReason reason{};
};

// The latest misses, for people. A ring of fixed size; thread-safe. Adding is a copy of about 100
// bytes under a lock of its own.
class MissLog {
 public:
  static constexpr size_t kMaxMisses = 1024;

  void Add(const RecentMiss& miss);
  // The latest first, at most `limit`.
  std::vector<RecentMiss> Latest(size_t limit) const;

 private:
  mutable Mutex mutex_;
  std::vector<RecentMiss> ring_ ABSL_GUARDED_BY(mutex_);
  size_t next_ ABSL_GUARDED_BY(mutex_) = 0;  // the oldest, once the ring is full
};

}  // namespace halflife
