#include "server/rpc/get_window.h"

#include <algorithm>
#include <utility>

namespace halflife {

uint64_t GetWindow::MaxBytes(const GetPlan& plan) {
  const uint64_t block_bytes = plan.block_bytes();
  const uint64_t blocks = std::clamp<uint64_t>(kMaxBytes / block_bytes, 1, kMaxBlocks);
  return block_bytes * std::min<uint64_t>(blocks, plan.items.size());
}

std::vector<size_t> GetWindow::Fill(BlockStore& store) {
  std::vector<size_t> to_read;
  const uint64_t block_bytes = plan_.block_bytes();
  while (next_item_ < plan_.items.size() && slots_.size() < kMaxBlocks &&
         (slots_.empty() || (slots_.size() + 1) * block_bytes <= kMaxBytes)) {
    GetPlan::Item& item = plan_.items[next_item_];
    Slot slot{.item = next_item_, .pending = false, .from_ssd = false, .block = BlockRef()};
    if (item.leased) {
      slot.block = std::move(item.leased);
    } else if (BlockRef block = store.FindInDram(item.address)) {
      slot.block = std::move(block);
    } else {
      slot.pending = slot.from_ssd = true;
      to_read.push_back(next_item_);
    }
    slots_.push_back(std::move(slot));
    ++next_item_;
  }
  return to_read;
}

void GetWindow::Arrived(size_t item, absl::StatusOr<BlockRef> block) {
  for (Slot& slot : slots_) {
    if (slot.item != item || !slot.pending) continue;
    slot.pending = false;
    slot.block = std::move(block);
    return;
  }
}

}  // namespace halflife
