#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace halflife {

// The sum of what was added within the last `kSlots * slot_ns`, up to a slot more. Pure: time comes
// from the caller and never goes back. Not thread-safe.
template <size_t kSlots>
class SlidingSum {
 public:
  explicit SlidingSum(int64_t slot_ns) : slot_ns_(slot_ns) {}

  void Add(int64_t amount, int64_t now_ns) {
    Advance(now_ns);
    slots_[Place(slot_)] += amount;
    sum_ += amount;
  }
  // Out of what was added last, which must be in it still.
  void TakeBack(int64_t amount) {
    slots_[Place(slot_)] -= amount;
    sum_ -= amount;
  }
  int64_t At(int64_t now_ns) {
    Advance(now_ns);
    return sum_;
  }

 private:
  static size_t Place(int64_t slot) { return static_cast<size_t>(slot) % (kSlots + 1); }

  void Advance(int64_t now_ns) {
    const int64_t now_slot = now_ns / slot_ns_;
    // After that many steps nothing is left.
    const int64_t oldest = now_slot - static_cast<int64_t>(kSlots) - 1;
    if (slot_ < oldest) slot_ = oldest;
    while (slot_ < now_slot) {
      int64_t& ended = slots_[Place(++slot_)];
      sum_ -= ended;
      ended = 0;
    }
  }

  const int64_t slot_ns_;
  std::array<int64_t, kSlots + 1> slots_{};  // the present one, and those before it
  int64_t slot_ = 0;
  int64_t sum_ = 0;
};

}  // namespace halflife
