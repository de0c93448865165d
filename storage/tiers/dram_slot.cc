#include "storage/tiers/dram_slot.h"

#include <new>

namespace halflife {

static_assert(std::is_trivially_destructible_v<SlotHome> &&
              std::is_trivially_destructible_v<BlockSlot>);

SlotRecords::SlotRecords(const SlotHome& home, uint32_t count)
    : memory_(PageAllocator<Line>().allocate(count + 1), Freer(count + 1)) {
  new (memory_.get()) SlotHome(home);
}

BlockSlot& SlotRecords::Make(uint32_t index) {
  BlockSlot* const slot = new (slots() + index) BlockSlot();
  slot->index = index;
  return *slot;
}

}  // namespace halflife
