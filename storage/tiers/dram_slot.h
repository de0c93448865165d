#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "storage/tiers/dram_arena.h"

namespace halflife {

// Every slot starts and ends on this boundary: what direct I/O wants, and the unit in which memory
// can be returned.
inline constexpr size_t kArenaPageBytes = 4096;

class DramArenaCore;

// Where a slot lies. Constant while its slab is open, so that blocks read it without a lock.
struct SlotHome {
  DramArenaCore* arena = nullptr;
  int class_index = 0;
  uint32_t slab_index = 0;
  uint64_t generation = 0;  // of the slab: tells it from a later one in the same place
  size_t stride_bytes = 0;  // distance between slots = payload rounded up to a page
};

// Control record of one arena slot. It lives beside the memory, not in it, so that payload pages
// hold payload only and can be shared with clients. Made with its slab: taking, referencing and
// returning a slot allocates nothing.
//
// `references` is the only field that several threads change. The others belong to the one that
// took the slot until it is sealed, and are constant from then on until the last reference is gone.
struct BlockSlot {
  std::atomic<uint32_t> references{0};
  uint32_t next_free = 0;  // index + 1 in its slab, 0 = end; used while the slot is free
  const SlotHome* home = nullptr;
  uint8_t* bytes = nullptr;    // stride_bytes bytes
  uint64_t payload_bytes = 0;  // as asked for; the rest up to the stride is zero
  BlockHeader header;
};

// A run of slots of one size class: the unit in which a class takes memory from the budget and
// gives it back. Plain bookkeeping; SizeClass keeps it consistent.
struct Slab {
  SlotHome home;
  uint8_t* base = nullptr;
  uint32_t capacity = 0;    // slots that fit into its place
  uint32_t slot_count = 0;  // slots paid for; fewer than capacity when the budget ran out ("short")
  uint32_t fresh = 0;  // slots handed out at least once; the rest of slot_count is free as well
  uint32_t used = 0;
  uint32_t free_head = 0;                // as BlockSlot::next_free
  bool retired = false;                  // hands out nothing more
  std::unique_ptr<BlockSlot[]> records;  // capacity

  uint32_t free_count() const { return slot_count - used; }
  uint64_t size_bytes() const { return uint64_t{slot_count} * home.stride_bytes; }
};

}  // namespace halflife
