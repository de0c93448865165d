#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/block/block_key.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// Who holds a slot: enough of the key to tell a stale location from a live one, and the partition
// whose index names it. The generation is the partition's: after a quarantine nothing of the old
// generation holds anything.
struct SlotOwner {
  uint32_t tag = 0;
  uint32_t payload_bytes = 0;
  uint8_t partition = 0;
  uint8_t generation = 0;

  static SlotOwner Of(const BlockKey& key, const SsdLocation& location);
  friend bool operator==(const SlotOwner&, const SlotOwner&) = default;
};

// Which slots of one slot file are in use, and by whom. 16 bytes of memory a slot. A slot goes
//   free -> writing -> used -> erasing -> free
// so that two who erase one block, or one who erases while another writes, cannot both free it. A
// used slot whose block gets a second copy is marked before that copy's entry is committed: until
// then, and only then, the index names no other place for its block. Not thread-safe: SlotSpace
// guards it.
class SlotTable {
 public:
  // What becomes of who wants to erase a block.
  enum class Erasing {
    kNotHeld,  // somebody else holds the slot, or erases it already
    kOnlyCopy,
    kCopied,  // the index may name another place for the block
  };

  explicit SlotTable(uint32_t slot_count);

  std::optional<uint32_t> Take(SlotOwner owner);              // free -> writing
  void Commit(uint32_t slot);                                 // writing -> used
  bool Claim(uint32_t slot, SlotOwner owner);                 // free -> used, at start
  void Reassign(uint32_t slot, SlotOwner owner);              // used -> used by another, at start
  void NoteCopy(uint32_t slot, const SlotOwner& owner);       // used by owner; else ignored
  Erasing BeginErase(uint32_t slot, const SlotOwner& owner);  // used by owner -> erasing
  void Free(uint32_t slot);                                   // writing or erasing -> free
  void Spoil(uint32_t slot);  // writing -> never again (until restart)
  // Frees every used slot of `partition`; returns how many.
  uint32_t FreePartition(uint8_t partition);
  // After the last Claim: collects the free slots, lowest first.
  void FinishClaims();

  bool IsUsedBy(uint32_t slot, const SlotOwner& owner) const;
  bool IsUsed(uint32_t slot) const;
  const SlotOwner& owner(uint32_t slot) const { return slots_[slot].owner; }
  uint32_t slot_count() const { return static_cast<uint32_t>(slots_.size()); }
  uint32_t free_count() const { return static_cast<uint32_t>(free_.size()); }
  bool empty() const { return free_count() == slot_count(); }

 private:
  enum class State : uint8_t { kFree, kWriting, kUsed, kErasing, kSpoilt };
  struct Slot {
    SlotOwner owner;
    State state = State::kFree;
    bool copied = false;
  };

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
};

}  // namespace halflife
