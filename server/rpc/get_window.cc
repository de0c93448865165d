#include "server/rpc/get_window.h"

#include <algorithm>
#include <utility>

namespace halflife {

namespace {

size_t MaxBlocks(const GetPlan& plan) {
  return std::clamp<uint64_t>(GetWindow::kMaxBytes / plan.block_bytes(), 1, GetWindow::kMaxBlocks);
}

size_t MaxBlocks(const GetPlan& plan, GetWindow::Reach reach) {
  switch (reach) {
    case GetWindow::Reach::kNothing:
      return 0;
    case GetWindow::Reach::kOneBlock:
      return 1;
    case GetWindow::Reach::kReadAhead:
      break;
  }
  return MaxBlocks(plan);
}

}  // namespace

uint64_t GetWindow::ReadAheadBytes(const GetPlan& plan) {
  if (plan.items.empty()) return 0;
  return plan.block_bytes() * std::min<uint64_t>(MaxBlocks(plan), plan.items.size() - 1);
}

std::vector<size_t> GetWindow::Fill(BlockStore& store, Reach reach, uint64_t permitted_items) {
  std::vector<size_t> to_read;
  const size_t max_blocks = std::min<uint64_t>(MaxBlocks(plan_, reach), permitted_items);
  while (next_item_ < plan_.items.size() && slots_.size() < max_blocks) {
    GetPlan::Item& item = plan_.items[next_item_];
    Slot slot{.item = next_item_, .pending = false, .from_ssd = false, .block = BlockRef()};
    if (item.is_hole) {
      slot.block = absl::NotFoundError("the lease does not promise it");
    } else if (plan_.lease) {
      const absl::Status taken =
          item.leased ? absl::OkStatus() : plan_.TakeLeased(store, next_item_);
      if (taken.ok()) slot.block = std::move(item.leased);
      if (!taken.ok()) slot.block = taken;
    } else if (BlockRef block = store.FindInDram(item.address)) {
      slot.block = std::move(block);
    } else {
      slot.pending = slot.from_ssd = true;
      to_read.push_back(next_item_);
    }
    slots_.push_back(std::move(slot));
    ++next_item_;
    SkipUnwanted();
  }
  return to_read;
}

bool GetWindow::RaiseFloor(uint32_t floor) {
  floor_ = std::max(floor_, floor);
  const bool first_goes = !slots_.empty() && !IsWanted(slots_.front().item);
  std::erase_if(slots_, [this](const Slot& slot) { return !IsWanted(slot.item); });
  SkipUnwanted();
  return first_goes;
}

void GetWindow::SkipUnwanted() {
  for (; next_item_ < plan_.items.size() && !IsWanted(next_item_); ++next_item_) {
    plan_.items[next_item_].leased = BlockRef();
  }
}

void GetWindow::DropBeyond(size_t kept) {
  while (slots_.size() > kept) {
    next_item_ = slots_.back().item;
    slots_.pop_back();
  }
  plan_.LetGoOfLeased(next_item_);
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
