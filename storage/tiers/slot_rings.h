#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "common/mutex.h"
#include "storage/tiers/slot_engine.h"

namespace halflife {

// SlotEngine over io_uring: a few rings, each used by one caller at a time, so that a transfer
// costs no thread and no wake-up but the caller's own. Borrows the SlotIo.
class SlotRings final : public SlotEngine {
 public:
  // Transfers that one ring can have on the device, given-up ones included.
  static constexpr unsigned kRingTransfers = 64;

  // Makes all rings, and sends a request through one of them.
  // Returns: kUnavailable if the kernel, a seccomp profile or a limit does not allow io_uring.
  static absl::StatusOr<std::unique_ptr<SlotRings>> Create(SlotIo& io, int rings);
  // Waits at most two seconds for each given-up transfer. What the device then still has only
  // writes into the arena, whose pages the kernel holds on to, and into header pages that are never
  // freed.
  ~SlotRings() override;

  std::unique_ptr<SlotLane> OpenLane(absl::Duration timeout) override;
  size_t stuck_count() const override { return stuck_.load(std::memory_order_relaxed); }
  void Reap() override;
  bool uses_io_uring() const override { return true; }

 private:
  class Ring;
  class Lane;

  explicit SlotRings(SlotIo& io);
  Ring* TakeRing(absl::Duration timeout);
  void PutBack(Ring* ring);

  SlotIo& io_;
  std::atomic<size_t> stuck_{0};
  std::vector<std::unique_ptr<Ring>> rings_;  // constant after Create

  Mutex mutex_;
  CondVar ring_free_;
  std::vector<Ring*> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
