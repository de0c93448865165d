#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

namespace halflife {

// How many bytes may go to the SSD now. A token bucket whose tokens come back a minute after they
// were spent, so that no 60 seconds, wherever they begin, see more than a minute's share of the
// day's budget, and any burst within that is allowed. A bucket that fills at a constant rate would
// have to be a second deep to keep 2 % per minute, and waste what a quiet second leaves.
//
// What is spent beyond a minute's share, such as one very large block, is a debt that later minutes
// pay. Starts as if the last minute had been used to the full,
// so that restarts earn nothing. Pure: time comes from the caller, and never goes back. Not
// thread-safe.
class WriteBudget {
 public:
  // 0 = no limit.
  explicit WriteBudget(uint64_t bytes_per_day);

  bool limited() const { return bytes_per_minute_ > 0; }
  int64_t bytes_per_minute() const { return bytes_per_minute_; }

  // Of the last minute and of debts; at most bytes_per_minute unless there are debts.
  int64_t UsedBytes(int64_t now_ns);
  int64_t AffordableBytes(int64_t now_ns) {
    return limited() ? std::max<int64_t>(0, bytes_per_minute_ - UsedBytes(now_ns)) : INT64_MAX;
  }
  void Spend(int64_t bytes, int64_t now_ns);
  // Bytes that were spent within the last minute, and not written after all.
  void Refund(int64_t bytes);

 private:
  // The window is this fine: it counts up to 1/4 s too much.
  static constexpr int kSlots = 240;
  static constexpr int64_t kSlotNs = int64_t{250} * 1000 * 1000;

  void Advance(int64_t now_ns);

  const int64_t bytes_per_minute_;
  std::array<int64_t, kSlots + 1>
      slots_{};        // by slot number; the present one and a minute before it
  int64_t slot_ = -1;  // present, -1 = no call yet
  int64_t in_window_bytes_ = 0;
  int64_t debt_bytes_ = 0;
};

}  // namespace halflife
