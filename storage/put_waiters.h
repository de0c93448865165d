#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/block/block_key.h"
#include "common/mutex.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// Puts that found no room and wait for the background to make some: first come, first served within
// a block size (and a limit of namespaces), until their deadline. Bounded. Thread-safe; answers are
// given by Serve and FailAll, on the caller's thread and without a lock.
class PutWaiters {
 public:
  static constexpr size_t kMaxWaiters = 4096;

  using Ready = std::function<void(absl::StatusOr<BlockBuffer>)>;
  struct Waiter {
    BlockKey key;
    uint64_t payload_bytes = 0;
    int64_t deadline_ns = 0;
    Ready ready;
    uint16_t limit = 0;  // of namespaces: who waits for it, and not for the tier
  };

  // False, without taking it, if there are too many already.
  bool Add(Waiter& waiter);

  // Offers each waiter to `allocate`, which answers kResourceExhausted for "not yet". Then `judge`
  // says whether it may go on waiting; what it answers otherwise is the answer. Those past their
  // deadline get kResourceExhausted. `leaving` hears of each answer before it is given. Returns the
  // number of answers. One caller at a time.
  size_t Serve(int64_t now_ns,
               const std::function<absl::StatusOr<BlockBuffer>(const Waiter&)>& allocate,
               const std::function<absl::Status(const Waiter&)>& judge,
               const std::function<void(const Waiter&, const absl::Status&)>& leaving);
  void FailAll(const absl::Status& status);

  bool empty() const { return count_.load(std::memory_order_acquire) == 0; }

 private:
  std::deque<Waiter> TakeAll();

  std::atomic<size_t> count_{0};  // waiting, or in the hands of Serve

  Mutex mutex_;
  std::deque<Waiter> waiting_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
