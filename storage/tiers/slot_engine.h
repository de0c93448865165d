#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "storage/tiers/slot_transfer.h"

namespace halflife {

// One caller's transfers. One thread at a time; it may be destroyed while some are on the device:
// those are given up, and keep their memory until the device has answered.
class SlotLane {
 public:
  virtual ~SlotLane() = default;

  // Takes the transfer and starts it; leaves it if there is no room for one more now.
  virtual bool Start(std::unique_ptr<SlotTransfer>& transfer) = 0;
  // Sees to it that what was started is on its way, without waiting. Await does so too.
  virtual void Flush() = 0;

  struct Ended {
    std::unique_ptr<SlotTransfer> transfer;
    ssize_t result = 0;  // of the system call: bytes, or -errno
  };
  // Transfers of this lane that have come back; waits for the first. None after `timeout`.
  virtual std::vector<Ended> Await(absl::Duration timeout) = 0;
};

// Moves bytes between slot files and memory, many transfers at a time: by io_uring (SlotRings) or
// by threads that wait in pread and pwrite (SlotThreads). Thread-safe.
class SlotEngine {
 public:
  virtual ~SlotEngine() = default;

  // Null if none is free within `timeout`.
  virtual std::unique_ptr<SlotLane> OpenLane(absl::Duration timeout) = 0;
  // Transfers that were given up and that the device still has. Each holds its memory and its file.
  virtual size_t stuck_count() const = 0;
  // Takes back what the device has answered late.
  virtual void Reap() = 0;
  virtual bool uses_io_uring() const = 0;
};

}  // namespace halflife
