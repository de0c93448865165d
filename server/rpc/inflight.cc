#include "server/rpc/inflight.h"

#include "common/check.h"

namespace halflife {

std::optional<InFlight::Hold> InFlight::TryHold(uint64_t bytes) {
  MutexLock lock(mutex_);
  if (!HasRoomLocked(bytes)) {
    ++refused_;
    return std::nullopt;
  }
  ++holds_;
  bytes_ += bytes;
  return Hold(this, bytes);
}

std::optional<InFlight::Hold> InFlight::TryHoldSpare(uint64_t bytes) {
  const uint64_t spare_bytes = limit_bytes_ / 2;
  MutexLock lock(mutex_);
  if (bytes_ > spare_bytes || bytes > spare_bytes - bytes_) return std::nullopt;
  ++holds_;
  bytes_ += bytes;
  return Hold(this, bytes);
}

bool InFlight::HasRoom(uint64_t bytes) const {
  MutexLock lock(mutex_);
  return HasRoomLocked(bytes);
}

bool InFlight::HasRoomLocked(uint64_t bytes) const {
  return holds_ == 0 || (bytes_ <= limit_bytes_ && bytes <= limit_bytes_ - bytes_);
}

void InFlight::GiveBack(uint64_t bytes) {
  MutexLock lock(mutex_);
  HL_CHECK(holds_ > 0 && bytes_ >= bytes);
  --holds_;
  bytes_ -= bytes;
  // Under the lock: whoever waits may destroy this object as soon as it sees zero.
  if (holds_ == 0) empty_.NotifyAll();
}

uint64_t InFlight::bytes() const {
  MutexLock lock(mutex_);
  return bytes_;
}

uint64_t InFlight::refused() const {
  MutexLock lock(mutex_);
  return refused_;
}

bool InFlight::WaitUntilEmpty(absl::Duration timeout) {
  MutexLock lock(mutex_);
  while (holds_ > 0) {
    if (!empty_.WaitFor(mutex_, timeout)) return holds_ == 0;
  }
  return true;
}

}  // namespace halflife
