#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/mutex.h"

namespace halflife {

// Which block sizes requests allocate, how fast, and how many bytes of each they are waiting for
// now: what the background keeps room for. Sizes that nobody used for a minute are forgotten.
// Thread-safe.
class RoomDemand {
 public:
  struct Size {
    uint64_t payload_bytes = 0;
    uint64_t wanted_bytes = 0;  // by requests that wait
    double bytes_per_s = 0;     // used, in this window or the one before, whichever was more
  };
  static constexpr int kWindowS = 2;

  void Use(uint64_t payload_bytes, int64_t now_ns);
  void Want(uint64_t payload_bytes, int64_t now_ns);  // one block more
  void Unwant(uint64_t payload_bytes);                // one block less

  // Sizes in use, those that are waited for first.
  std::vector<Size> Snapshot(int64_t now_ns);

 private:
  // Distinct sizes kept; the arena has no more classes either.
  static constexpr size_t kMaxSizes = 64;
  static constexpr int64_t kForgetNs = int64_t{60} * 1000 * 1000 * 1000;
  struct Entry {
    int64_t last_use_ns = 0;
    uint64_t wanted_blocks = 0;
    int64_t window = 0;  // that of the last use, counted from the clock's zero
    uint64_t window_blocks = 0;
    uint64_t blocks_before = 0;  // of the window before that
  };
  static void EnterWindow(Entry& entry, int64_t now_ns);

  Mutex mutex_;
  absl::flat_hash_map<uint64_t, Entry> sizes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
