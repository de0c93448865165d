#include "storage/tiers/dram_slot.h"

#include <new>

namespace halflife {

static_assert(sizeof(SlotHome) % alignof(BlockSlot) == 0);
static_assert(std::is_trivially_destructible_v<SlotHome> &&
              std::is_trivially_destructible_v<BlockSlot>);

SlotRecords::SlotRecords(const SlotHome& home, uint32_t count)
    : memory_(new std::byte[sizeof(SlotHome) + count * sizeof(BlockSlot)]) {
  new (memory_.get()) SlotHome(home);
  for (uint32_t index = 0; index < count; ++index) {
    (new (&(*this)[index]) BlockSlot())->index = index;
  }
}

}  // namespace halflife
