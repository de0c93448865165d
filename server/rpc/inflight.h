#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "common/mutex.h"

namespace halflife {

// Counts bytes that something holds now, refuses more than a limit, and lets its owner wait until
// all are given back. Thread-safe. Holds must not outlive it.
class InFlight {
 public:
  // Bytes held; gives them back when destroyed. Move-only.
  class Hold {
   public:
    Hold() = default;
    Hold(Hold&& other) noexcept
        : from_(std::exchange(other.from_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Hold& operator=(Hold&& other) noexcept {
      std::swap(from_, other.from_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Hold() { Release(); }

    void Release() {
      if (InFlight* from = std::exchange(from_, nullptr)) from->GiveBack(bytes_);
    }

   private:
    friend class InFlight;
    Hold(InFlight* from, uint64_t bytes) : from_(from), bytes_(bytes) {}
    InFlight* from_ = nullptr;
    uint64_t bytes_ = 0;
  };

  explicit InFlight(uint64_t limit_bytes = UINT64_MAX) : limit_bytes_(limit_bytes) {}

  // nullopt, counted, if the limit leaves no room. When nothing is held, any number of bytes is
  // granted: a block above the limit is served alone rather than never.
  std::optional<Hold> TryHold(uint64_t bytes);

  // For what its owner can do without: granted only while it leaves half of the limit to TryHold.
  // Not counted.
  std::optional<Hold> TryHoldSpare(uint64_t bytes);
  // Whether TryHold would grant `bytes` now.
  bool HasRoom(uint64_t bytes) const;

  uint64_t bytes() const;
  uint64_t refused() const;
  uint64_t limit_bytes() const { return limit_bytes_; }
  // False if something was still held after `timeout` of real time.
  bool WaitUntilEmpty(absl::Duration timeout);

 private:
  void GiveBack(uint64_t bytes);
  bool HasRoomLocked(uint64_t bytes) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const uint64_t limit_bytes_;

  mutable Mutex mutex_;
  CondVar empty_;
  uint64_t holds_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
