#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "common/endian.h"
#include "common/page_allocator.h"
#include "common/prefetch.h"

namespace halflife {

// Finds records by the hash of their keys, where the record itself has the key: a set of (hash,
// number) pairs with open addressing. 7 bytes per slot, so that a look-up costs one cache line here
// and one of the record. Between 85 and 90 % of the slots are taken: 7.8 to 8.3 bytes per number.
// (A flat_hash_set of numbers costs a line more, for its control bytes, and reads records again
// when it grows.) Not thread-safe.
//
// Slots are in the order of their tags (ordered linear probing: Amble and Knuth, 1974), so that a
// search ends where the wanted one would stand: after 5.5 slots in the mean where 90 % are taken,
// whether it is there or not (Knuth, The Art of Computer Programming 3, 6.4); growing reads and
// writes one slot after the other. Hashes are uniform in their upper bits. 24 of them are kept, the
// tag: enough for homes of their own, and for few records that are looked at in vain, in tables of
// up to some million numbers.
class NumberTable {
 public:
  // A look-up of `hash` comes soon.
  void Prefetch(uint64_t hash) const {
    if (size_ > 0) halflife::Prefetch(&bytes_[HomeOf(TagOf(hash)) * kSlotBytes]);
  }
  // The first number under a hash that looks like this one, which nearly always is the one: for
  // prefetching its record. 0 = none.
  uint32_t Guess(uint64_t hash) const {
    return Find(hash, [](uint32_t) { return true; });
  }

  // The number under `hash` of which `is(number)` holds; 0 = none.
  template <typename Is>
  uint32_t Find(uint64_t hash, const Is& is) const {
    if (size_ == 0) return 0;
    const uint32_t tag = TagOf(hash);
    for (size_t at = HomeOf(tag);; ++at) {
      const Slot slot = Get(at);
      if (slot.number == 0 || slot.tag > tag) return 0;
      if (slot.tag == tag && is(slot.number)) return slot.number;
    }
  }

  // `number` > 0, and not there yet.
  void Insert(uint64_t hash, uint32_t number) {
    if (10 * (size_ + 1) > 9 * homes_) Resize(homes_ + homes_ / 16 + kMinSlots, tail_);
    const uint32_t tag = TagOf(hash);
    size_t at = HomeOf(tag);
    for (Slot slot = Get(at); slot.number != 0 && slot.tag <= tag; slot = Get(at)) ++at;
    size_t end = at;
    while (Get(end).number != 0) ++end;
    if (end + 1 == homes_ + tail_) Resize(homes_, 2 * tail_);
    Move(at, end, at + 1);
    Set(at, {tag, number});
    ++size_;
  }

  // It is there.
  void Erase(uint64_t hash, uint32_t number) {
    size_t at = HomeOf(TagOf(hash));
    while (Get(at).number != number) ++at;
    // What stands behind it and away from its home moves up.
    size_t end = at + 1;
    for (Slot slot = Get(end); slot.number != 0 && HomeOf(slot.tag) < end; slot = Get(end)) ++end;
    Move(at + 1, end, at);
    Set(end - 1, {});
    --size_;
  }

  size_t size() const { return size_; }
  size_t memory_bytes() const { return bytes_.capacity(); }

 private:
  struct Slot {
    uint32_t tag = 0;
    uint32_t number = 0;  // 0 = empty
  };
  static constexpr int kTagBits = 24;
  static constexpr size_t kSlotBytes = 7;  // le24 tag, le32 number
  static constexpr size_t kMinSlots = 16;

  static uint32_t TagOf(uint64_t hash) { return static_cast<uint32_t>(hash >> (64 - kTagBits)); }
  size_t HomeOf(uint32_t tag) const { return (uint64_t{tag} * homes_) >> kTagBits; }

  Slot Get(size_t at) const {
    const uint64_t word = LoadLe64(&bytes_[at * kSlotBytes]);
    return {static_cast<uint32_t>(word) & ((uint32_t{1} << kTagBits) - 1),
            static_cast<uint32_t>(word >> kTagBits)};
  }
  void Set(size_t at, Slot slot) {
    StoreLe32(&bytes_[at * kSlotBytes], slot.tag);
    StoreLe32(&bytes_[at * kSlotBytes + kTagBits / 8], slot.number);
  }
  // Those of [from, to) to where `first` is.
  void Move(size_t from, size_t to, size_t first) {
    std::memmove(&bytes_[first * kSlotBytes], &bytes_[from * kSlotBytes], (to - from) * kSlotBytes);
  }

  // `tail` slots behind the last home, for what was pushed out of its own; the last one stays
  // empty. The more homes there are, the further each is from their end: so no more are pushed
  // beyond it than before.
  void Resize(size_t homes, size_t tail) {
    NumberTable larger;
    larger.bytes_ = Bytes((homes + tail) * kSlotBytes + 1);  // a load takes in one byte more
    larger.homes_ = homes;
    larger.tail_ = tail;
    larger.size_ = size_;
    size_t end = 0;
    for (size_t at = 0; at < homes_ + tail_ && homes_ > 0; ++at) {
      const Slot slot = Get(at);
      if (slot.number == 0) continue;
      end = std::max(end, larger.HomeOf(slot.tag));
      larger.Set(end++, slot);
    }
    *this = std::move(larger);
  }

  using Bytes = std::vector<uint8_t, PageAllocator<uint8_t>>;

  Bytes bytes_;
  size_t homes_ = 0;
  size_t tail_ = kMinSlots;
  size_t size_ = 0;
};

// Many of them as one, for millions of numbers: one grows at a time, so that growing takes a short
// time and needs little memory beside what is there. Hashes are uniform in their lower bits, too.
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
