#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "common/page_allocator.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/dram_scopes.h"

namespace halflife {

// Every slot starts and ends on this boundary: what direct I/O wants, and the unit in which memory
// can be returned.
inline constexpr size_t kArenaPageBytes = 4096;

// Of the slot that a payload of so many bytes needs.
constexpr size_t StrideOf(size_t payload_bytes) {
  return (payload_bytes + kArenaPageBytes - 1) / kArenaPageBytes * kArenaPageBytes;
}

class DramArenaCore;

// Where the slots of a slab lie. Constant while it is open, so that blocks read it without a lock.
struct SlotHome {
  DramArenaCore* arena = nullptr;
  uint8_t* base = nullptr;  // of its first slot
  int class_index = 0;
  uint32_t slab_index = 0;
  uint64_t generation = 0;  // of the slab: tells it from a later one in the same place
  size_t stride_bytes = 0;  // distance between slots = payload rounded up to a page
};

// Control record of one arena slot. It lives beside the memory, not in it, so that payload pages
// hold payload only and can be shared with clients. Its memory comes with its slab: taking,
// referencing and returning a slot allocates nothing.
//
// There is one for every block in DRAM: a cache line. What follows from its place (its slab, its
// bytes) is computed, what its header has in common with others is a number of BlockScopes, and
// when it was written is for people who look at a disk.
//
// `references` is the only field that several threads change. The others belong to the one that
// took the slot until it is sealed, and are constant from then on until the last reference is gone.
struct alignas(64) BlockSlot {
  static constexpr int kIndexBits = 20;
  static constexpr uint32_t kMaxSlotsPerSlab = uint32_t{1} << kIndexBits;

  std::atomic<uint32_t> references{0};
  uint32_t index : kIndexBits = 0;  // in its slab
  uint32_t padding_bytes : 12 = 0;  // zero, between the payload and the end of the slot
  uint32_t scope = 0;               // of BlockScopes, 0 until it is sealed
  uint32_t depth_or_next = 0;       // while it is free: index + 1 of the next free one, 0 = end
  BlockHash hash;
  Digest128 checksum{};

  const SlotHome& home() const;
  uint8_t* bytes() const;        // stride_bytes bytes
  size_t payload_bytes() const;  // as asked for; the rest up to the stride is zero
};
static_assert(sizeof(BlockSlot) == 64 && kArenaPageBytes == 1 << 12);

// The control records of a slab, with its home in front: there a slot finds it by its index. A
// record exists once its slot was handed out, and takes no memory before.
class SlotRecords {
 public:
  SlotRecords() = default;
  SlotRecords(const SlotHome& home, uint32_t count);

  BlockSlot& operator[](uint32_t index) const { return slots()[index]; }
  // The first time.
  BlockSlot& Make(uint32_t index);

 private:
  // As large as a slot.
  struct alignas(BlockSlot) Line {
    std::byte bytes[sizeof(BlockSlot)];
  };
  struct Freer {
    Freer() : Freer(0) {}
    explicit Freer(size_t count) : lines(count) {}
    void operator()(Line* first) const { PageAllocator<Line>().deallocate(first, lines); }

    size_t lines;
  };
  BlockSlot* slots() const { return reinterpret_cast<BlockSlot*>(memory_.get() + 1); }

  std::unique_ptr<Line, Freer> memory_;  // a SlotHome, then the slots
};
static_assert(sizeof(SlotHome) <= sizeof(BlockSlot));

inline const SlotHome& BlockSlot::home() const {
  return *reinterpret_cast<const SlotHome*>(this - index - 1);
}
inline uint8_t* BlockSlot::bytes() const {
  const SlotHome& home = this->home();
  return home.base + uint64_t{index} * home.stride_bytes;
}
inline size_t BlockSlot::payload_bytes() const { return home().stride_bytes - padding_bytes; }

// A slot that nobody has had yet, by its place. Null: none.
struct FreshSlot {
  const SlotHome* home = nullptr;
  uint32_t index = 0;

  explicit operator bool() const { return home != nullptr; }
};

// A run of slots of one size class: the unit in which a class takes memory from the budget and
// gives it back. Plain bookkeeping; SizeClass keeps it consistent.
struct Slab {
  SlotHome home;
  uint32_t capacity = 0;    // slots that fit into its place
  uint32_t slot_count = 0;  // slots paid for; fewer than capacity when the budget ran out ("short")
  uint32_t fresh = 0;      // slots handed out at least once; the rest of slot_count is free as well
  uint32_t populated = 0;  // of slot_count, from the first on: handed out, or their pages are there
  uint32_t used = 0;
  uint32_t free_head = 0;  // as BlockSlot::depth_or_next
  bool retired = false;    // hands out nothing more
  SlotRecords records;     // capacity

  uint32_t free_count() const { return slot_count - used; }
  uint64_t size_bytes() const { return uint64_t{slot_count} * home.stride_bytes; }
};

}  // namespace halflife
