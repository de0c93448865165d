#include "storage/residency/write_budget.h"

#include <algorithm>

namespace halflife {
namespace {

constexpr uint64_t kMinutesPerDay = 24 * 60;

}  // namespace

WriteBudget::WriteBudget(uint64_t bytes_per_day)
    : bytes_per_minute_(
          static_cast<int64_t>((bytes_per_day + kMinutesPerDay - 1) / kMinutesPerDay)) {}

int64_t WriteBudget::UsedBytes(int64_t now_ns) {
  Advance(now_ns);
  return in_window_bytes_ + debt_bytes_;
}

void WriteBudget::Spend(int64_t bytes, int64_t now_ns) {
  if (!limited()) return;
  Advance(now_ns);
  const int64_t now_bytes = std::min(bytes, bytes_per_minute_ - in_window_bytes_);
  slots_[slot_ % slots_.size()] += now_bytes;
  in_window_bytes_ += now_bytes;
  debt_bytes_ += bytes - now_bytes;
}

// From the oldest on: what stays booked is never older than what was written, so that it does not
// leave the window before that has.
void WriteBudget::Refund(int64_t bytes) {
  if (slot_ < 0) return;
  for (size_t ahead = 1; ahead <= slots_.size() && bytes > 0; ++ahead) {
    int64_t& booked = slots_[(static_cast<size_t>(slot_) + ahead) % slots_.size()];
    const int64_t refunded_bytes = std::min(bytes, booked);
    booked -= refunded_bytes;
    in_window_bytes_ -= refunded_bytes;
    bytes -= refunded_bytes;
  }
  debt_bytes_ -= std::min(bytes, debt_bytes_);
}

void WriteBudget::Advance(int64_t now_ns) {
  const int64_t now_slot = now_ns / kSlotNs;
  if (slot_ < 0) {
    slot_ = now_slot;
    slots_.fill(bytes_per_minute_ / kSlots);
    slots_[slot_ % slots_.size()] = bytes_per_minute_ % kSlots;
    in_window_bytes_ = bytes_per_minute_;
  }
  while (slot_ < now_slot) {
    if (in_window_bytes_ <= 0 && debt_bytes_ <= 0) {
      slot_ = now_slot;  // nothing is left to age
      break;
    }
    ++slot_;
    int64_t& present = slots_[slot_ % slots_.size()];
    in_window_bytes_ -= present;
    present = 0;
    const int64_t paid_bytes = std::min(debt_bytes_, bytes_per_minute_ - in_window_bytes_);
    debt_bytes_ -= paid_bytes;
    present += paid_bytes;
    in_window_bytes_ += paid_bytes;
  }
}

}  // namespace halflife
