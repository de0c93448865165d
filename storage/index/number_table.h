#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "common/prefetch.h"

namespace halflife {

// Finds records by the hash of their keys, where the record itself has the key: a set of (hash,
// number) pairs with open addressing. 8 bytes per slot, so that a look-up costs one cache line here
// and one of the record. Between 80 and 90 % of the slots are taken: 8.9 to 10 bytes per number. (A
// flat_hash_set of numbers costs a line more, for its control bytes, and reads records again when
// it grows.) Not thread-safe.
//
// Slots are in the order of their homes (Robin Hood hashing: Celis, Larson and Munro, 1985), so
// that a search ends where the wanted one would stand: after 5.5 slots in the mean where 90 % are
// taken, whether it is there or not (Knuth, The Art of Computer Programming 3, 6.4). Hashes are
// uniform in their upper half, of which 32 bits are kept.
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
    size_t at = HomeOf(tag);
    for (size_t distance = 0; slots_[at].number != 0; ++distance, at = Next(at)) {
      if (slots_[at].tag == tag && is(slots_[at].number)) return slots_[at].number;
      if (DistanceOf(at) < distance) return 0;
    }
    return 0;
  }

  // `number` > 0, and not there yet.
  void Insert(uint64_t hash, uint32_t number) {
    if (10 * (size_ + 1) > 9 * slots_.size()) Grow();
    ++size_;
    Put({TagOf(hash), number});
  }

  // It is there.
  void Erase(uint64_t hash, uint32_t number) {
    size_t hole = HomeOf(TagOf(hash));
    while (slots_[hole].number != number) hole = Next(hole);
    --size_;
    // What stands behind it and away from its home moves up.
    for (size_t at = Next(hole); slots_[at].number != 0 && DistanceOf(at) > 0; at = Next(at)) {
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
  // Of what stands at `at` from its home.
  size_t DistanceOf(size_t at) const {
    const size_t home = HomeOf(slots_[at].tag);
    return at >= home ? at - home : at + slots_.size() - home;
  }

  void Put(Slot slot) {
    size_t at = HomeOf(slot.tag);
    for (size_t distance = 0; slots_[at].number != 0; ++distance, at = Next(at)) {
      const size_t other = DistanceOf(at);
      if (other >= distance) continue;
      std::swap(slot, slots_[at]);
      distance = other;
    }
    slots_[at] = slot;
  }

  void Grow() {
    std::vector<Slot> before(slots_.size() + slots_.size() / 8 + kMinSlots);
    before.swap(slots_);
    for (const Slot& slot : before) {
      if (slot.number != 0) Put(slot);
    }
  }

  std::vector<Slot> slots_;
  size_t size_ = 0;
};

// Many of them as one, for millions of numbers: one grows at a time, so that growing takes a short
// time, needs little memory beside what is there, and leaves none behind that is too small for the
// next growth. Hashes are uniform in their lower bits, too.
template <size_t kTables = 64>
class NumberTables {
 public:
  void Prefetch(uint64_t hash) const { Of(hash).Prefetch(hash); }
  uint32_t Guess(uint64_t hash) const { return Of(hash).Guess(hash); }
  template <typename Is>
  uint32_t Find(uint64_t hash, const Is& is) const {
    return Of(hash).Find(hash, is);
  }
  void Insert(uint64_t hash, uint32_t number) { tables_[hash % kTables].Insert(hash, number); }
  void Erase(uint64_t hash, uint32_t number) { tables_[hash % kTables].Erase(hash, number); }

  size_t memory_bytes() const {
    size_t bytes = 0;
    for (const NumberTable& table : tables_) bytes += table.memory_bytes();
    return bytes;
  }

 private:
  const NumberTable& Of(uint64_t hash) const { return tables_[hash % kTables]; }

  std::array<NumberTable, kTables> tables_;
};

}  // namespace halflife
