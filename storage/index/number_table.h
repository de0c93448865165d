#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/prefetch.h"

namespace halflife {

// Finds records by the hash of their keys, where the record itself has the key: a set of (hash,
// number) pairs with open addressing. 8 bytes per slot, so that a look-up of what is there costs
// one cache line here and one of the record; between half and 3/4 of the slots are taken. (A
// flat_hash_set of numbers costs a line more, for its control bytes, and reads records again when
// it grows.) Not thread-safe.
//
// Hashes are uniform in their upper half, of which 32 bits are kept.
class NumberTable {
 public:
  // A look-up of `hash` comes soon.
  void Prefetch(uint64_t hash) const {
    if (!slots_.empty()) halflife::Prefetch(&slots_[HomeOf(TagOf(hash))]);
  }
  // The first number under a hash that looks like this one, which nearly always is the one: for
  // prefetching its record. 0 = none.
  uint32_t Guess(uint64_t hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }

  // The number under `hash` of which `is(number)` holds; 0 = none.
  template <typename Is>
  uint32_t Find(uint64_t hash, const Is& is) const {
    if (slots_.empty()) return 0;
    const uint32_t tag = TagOf(hash);
    for (size_t at = HomeOf(tag); slots_[at].number != 0; at = Next(at)) {
      if (slots_[at].tag == tag && is(slots_[at].number)) return slots_[at].number;
    }
    return 0;
  }

  // `number` > 0, and not there yet.
  void Insert(uint64_t hash, uint32_t number) {
    if (4 * (size_ + 1) > 3 * slots_.size()) Grow();
    ++size_;
    Put({TagOf(hash), number});
  }

  // It is there.
  void Erase(uint64_t hash, uint32_t number) {
    size_t hole = HomeOf(TagOf(hash));
    while (slots_[hole].number != number) hole = Next(hole);
    --size_;
    // What stands behind it moves up, unless that would put it before its home (Knuth, The Art of
    // Computer Programming 3, 6.4, algorithm R).
    for (size_t at = Next(hole); slots_[at].number != 0; at = Next(at)) {
      if (Distance(HomeOf(slots_[at].tag), at) < Distance(hole, at)) continue;
      slots_[hole] = slots_[at];
      hole = at;
    }
    slots_[hole] = {};
  }

  size_t size() const { return size_; }
  size_t memory_bytes() const { return slots_.capacity() * sizeof(Slot); }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = 0;  // 0 = empty
  };
  static constexpr size_t kMinSlots = 16;

  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> 32); }
  // Slots are in the order of the tags, whatever their number: growing reads and writes them one
  // after the other.
  size_t HomeOf(uint32_t tag) const { return (uint64_t{tag} * slots_.size()) >> 32; }
  size_t Next(size_t at) const { return at + 1 == slots_.size() ? 0 : at + 1; }
  size_t Distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + slots_.size() - from;
  }

  void Put(const Slot& slot) {
    size_t at = HomeOf(slot.tag);
    while (slots_[at].number != 0) at = Next(at);
    slots_[at] = slot;
  }

  void Grow() {
    std::vector<Slot> before(slots_.size() < kMinSlots ? kMinSlots : slots_.size() / 2 * 3);
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.number != 0) Put(slot);
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

}  // namespace halflife
