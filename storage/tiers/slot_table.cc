#include "storage/tiers/slot_table.h"

#include "common/check.h"
#include "common/endian.h"

namespace halflife {

SlotOwner SlotOwner::Of(const BlockKey& key, const SsdLocation& location) {
  // Bytes 8..11: the first eight choose the partition.
  return SlotOwner{LoadLe32(key.block.data() + 8), location.bytes, location.partition,
                   location.generation};
}

SlotTable::SlotTable(uint32_t slot_count) : slots_(slot_count) { FinishClaims(); }

void SlotTable::FinishClaims() {
  free_.clear();
  for (uint32_t slot = slot_count(); slot-- > 0;) {
    if (slots_[slot].state == State::kFree) free_.push_back(slot);
  }
}

std::optional<uint32_t> SlotTable::Take(SlotOwner owner) {
  if (free_.empty()) return std::nullopt;
  const uint32_t slot = free_.back();
  free_.pop_back();
  slots_[slot] = {owner, State::kWriting};
  return slot;
}

void SlotTable::Commit(uint32_t slot) {
  HL_CHECK(slots_[slot].state == State::kWriting);
  slots_[slot].state = State::kUsed;
}

bool SlotTable::Claim(uint32_t slot, SlotOwner owner) {
  if (slots_[slot].state != State::kFree) return false;
  slots_[slot] = {owner, State::kUsed};
  return true;
}

void SlotTable::Reassign(uint32_t slot, SlotOwner owner) { slots_[slot].owner = owner; }

void SlotTable::NoteCopy(uint32_t slot, const SlotOwner& owner) {
  if (IsUsedBy(slot, owner)) slots_[slot].copied = true;
}

SlotTable::Erasing SlotTable::BeginErase(uint32_t slot, const SlotOwner& owner) {
  if (!IsUsedBy(slot, owner)) return Erasing::kNotHeld;
  slots_[slot].state = State::kErasing;
  return slots_[slot].copied ? Erasing::kCopied : Erasing::kOnlyCopy;
}

void SlotTable::Free(uint32_t slot) {
  const State state = slots_[slot].state;
  HL_CHECK(state == State::kWriting || state == State::kErasing);
  slots_[slot] = Slot{};
  free_.push_back(slot);
}

void SlotTable::Spoil(uint32_t slot) {
  HL_CHECK(slots_[slot].state == State::kWriting);
  slots_[slot].state = State::kSpoilt;
}

uint32_t SlotTable::FreePartition(uint8_t partition) {
  uint32_t freed = 0;
  for (uint32_t slot = 0; slot < slot_count(); ++slot) {
    if (slots_[slot].state != State::kUsed || slots_[slot].owner.partition != partition) continue;
    slots_[slot] = Slot{};
    free_.push_back(slot);
    ++freed;
  }
  return freed;
}

bool SlotTable::IsUsedBy(uint32_t slot, const SlotOwner& owner) const {
  return IsUsed(slot) && slots_[slot].owner == owner;
}

bool SlotTable::IsUsed(uint32_t slot) const {
  return slot < slot_count() && slots_[slot].state == State::kUsed;
}

}  // namespace halflife
