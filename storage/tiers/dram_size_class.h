#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "storage/tiers/dram_slot.h"

namespace halflife {

// A set of small numbers with the smallest one at hand. At most 8,192 or so numbers (see
// SlabShape): one pass over 128 words.
class IndexSet {
 public:
  void Reset(uint32_t limit, bool full);
  void Insert(uint32_t index) { words_[index / 64] |= uint64_t{1} << (index % 64); }
  void Erase(uint32_t index) { words_[index / 64] &= ~(uint64_t{1} << (index % 64)); }
  bool Contains(uint32_t index) const { return (words_[index / 64] >> (index % 64) & 1) != 0; }
  std::optional<uint32_t> First() const;

 private:
  std::vector<uint64_t> words_;
};

// How a class cuts its range of the file. All in bytes of that range.
//
// A slab is about 8 MiB: big enough that giving it back costs one system call per some hundred
// blocks, small enough that a class seldom sits on much more than it uses. A small budget gets
// smaller slabs (1/64 of it), a huge one bigger slabs (1/4096), which bounds the number of slabs,
// of memory areas of the process and the work of a scan.
struct SlabShape {
  size_t stride_bytes = 0;
  uint32_t slots_per_slab = 0;
  uint32_t slab_limit = 0;     // places in the range
  uint32_t slots_in_last = 0;  // the last place may be smaller
  // Empty slabs that stay with their class: a sixteenth of the budget. A tier that is full evicts
  // and stores all the time, and empties slabs by it; giving each back and touching its pages anew
  // costs more than the copy into them (1.7 GB/s against 17).
  uint32_t empty_limit = 1;

  // `keep_all`: no slab is given back because it ran empty, only because another class wants it.
  static SlabShape For(size_t stride_bytes, uint64_t budget_bytes, uint64_t range_bytes,
                       bool keep_all = false);

  uint64_t slab_bytes() const { return uint64_t{slots_per_slab} * stride_bytes; }
  uint32_t CapacityOf(uint32_t slab_index) const {
    return slab_index + 1 == slab_limit ? slots_in_last : slots_per_slab;
  }
};

// All blocks of one size: which slabs there are and which of their slots are free. Bookkeeping
// only: it neither touches the memory nor knows the budget, DramArenaCore does both. Not
// thread-safe.
//
// A place of the range is *absent* (nobody uses it), *open* (a slab is there) or *between* (being
// opened or given back by some thread without a lock). The lowest open slab with a free slot serves
// first, so that the highest ones run empty.
class SizeClass {
 public:
  // Starts over with another block size. Requires: slab_count() == 0.
  void Reset(const SlabShape& shape);

  // --- Slots
  // A free slot of an open slab, or nullptr.
  BlockSlot* TakeSlot();
  // The next slot to be populated, of an open slab: it stays free and may be handed out, and its
  // slab stays until ReturnHold. Never the last free one, which is left to whoever has something to
  // store.
  FreshSlot HoldFresh();
  // As ReturnSlot.
  std::unique_ptr<Slab> ReturnHold(uint32_t slab_index) { return Unuse(*slabs_[slab_index]); }
  // Returns the slab if it is to be given back now: it ran empty, and it is retired or enough empty
  // ones are kept. At least one stays, so that a block that comes and goes at the edge of a slab
  // does not cost two system calls.
  std::unique_ptr<Slab> ReturnSlot(BlockSlot* slot);

  // --- Slabs: (Reserve Publish) … (TakeEmpty | ReturnSlot | Retire, then Forget)

  // The lowest absent place, which is then between. nullopt if the range is full.
  std::optional<uint32_t> Reserve();
  // Opens the slab in its reserved place and takes a slot.
  BlockSlot* Publish(std::unique_ptr<Slab> slab);
  // Opens it and holds its first slot.
  FreshSlot PublishToPopulate(std::unique_ptr<Slab> slab);
  // The given-back place of a slab is absent again.
  void Forget(uint32_t slab_index);
  // Adds up to `slot_limit` slots to a short slab. Returns the number of slots added, 0 if no slab
  // is short.
  uint32_t Extend(uint64_t slot_limit);
  // Gives up an empty slab that was kept, or nullptr.
  std::unique_ptr<Slab> TakeEmpty();
  // Returns the slab if it is empty already. Nothing happens if it is no longer that slab.
  std::unique_ptr<Slab> Retire(uint32_t slab_index, uint64_t generation);
  // A slab whose pages nobody has put together yet, or nullptr: whole, and each slot of it was had
  // by somebody, so that its pages are there. Names each slab once.
  const Slab* NextToGather();
  // The open slab with the fewest used slots, or nullptr. Linear in the number of places.
  const Slab* LeastUsed() const;

  // --- Figures
  const SlabShape& shape() const { return shape_; }
  uint32_t slab_count() const { return slab_count_; }  // open or between
  uint64_t used_slots() const { return used_slots_; }
  uint64_t free_slots() const { return free_slots_; }  // of slabs that still hand out
  uint64_t free_bytes() const { return free_slots_ * shape_.stride_bytes; }
  uint64_t fresh_slots() const { return fresh_slots_; }  // of them, those without pages so far
  bool idle() const { return slab_count_ == 0; }
  // Bytes TakeEmpty would give up, called until there is none.
  uint64_t empty_bytes() const { return empty_bytes_; }
  // A further slab that ran empty would stay.
  bool keeps_another_empty() const { return empty_count_ < shape_.empty_limit; }
  bool only_empty() const { return slab_count_ > 0 && slab_count_ == empty_count_; }

 private:
  void Add(std::unique_ptr<Slab> slab);
  BlockSlot* TakeSlotOf(Slab& slab);
  FreshSlot HoldFreshOf(Slab& slab);
  void CountPopulated(Slab& slab);
  // One slot more, or less.
  void Use(Slab& slab);
  std::unique_ptr<Slab> Unuse(Slab& slab);
  std::unique_ptr<Slab> TakeOut(uint32_t slab_index);
  void KeepEmpty(uint32_t slab_index);
  // No effect on a slab that is not one of the kept ones.
  void UseEmpty(uint32_t slab_index);

  SlabShape shape_;
  std::vector<std::unique_ptr<Slab>> slabs_;  // by place; null if absent or between
  IndexSet absent_;
  IndexSet with_free_;   // open, not retired, with a free slot
  IndexSet with_fresh_;  // open, not retired, populated < slot_count
  IndexSet short_;       // open, not retired, slot_count < capacity
  IndexSet empty_;       // kept: open, not retired, no slot used
  IndexSet to_gather_;   // open, for NextToGather
  uint32_t slab_count_ = 0;
  uint32_t empty_count_ = 0;
  uint64_t empty_bytes_ = 0;
  uint64_t used_slots_ = 0;
  uint64_t free_slots_ = 0;
  uint64_t fresh_slots_ = 0;
};

}  // namespace halflife
