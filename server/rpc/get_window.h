#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/statusor.h"
#include "server/rpc/get_plan.h"

namespace halflife {

// The next few blocks of a Get: which are in hand, which are being read, and which could not be
// had. Bounds what a stream pins and reads ahead. One thread at a time; borrows the plan.
class GetWindow {
 public:
  static constexpr size_t kMaxBlocks = 16;
  static constexpr uint64_t kMaxBytes = uint64_t{8} << 20;  // but always one block

  // How much it may take in.
  enum class Reach {
    kNothing,
    kOneBlock,   // the next to be sent
    kReadAhead,  // as many as the limits above allow
  };

  struct Slot {
    size_t item = 0;  // in plan.items
    bool pending = false;
    bool from_ssd = false;
    absl::StatusOr<BlockRef> block;  // once not pending
  };

  explicit GetWindow(GetPlan& plan) : plan_(plan) {}

  // Bytes that a window of this plan may pin beside the block that is being sent.
  static uint64_t ReadAheadBytes(const GetPlan& plan);

  // Takes in further items within `reach`, up to `permitted_items` in the window. Blocks in DRAM
  // are in hand at once; returns the items of those that must be read.
  std::vector<size_t> Fill(BlockStore& store, Reach reach, uint64_t permitted_items);
  // Blocks whose index is lower are not wanted, whether they were taken in or not. Never lower than
  // before. True if the first slot has gone.
  bool RaiseFloor(uint32_t floor);
  // Lets go of all blocks but those of the first `kept` slots; they are taken in again later.
  void DropBeyond(size_t kept);
  // The result of a read. Ignored if the item is not pending in the window.
  void Arrived(size_t item, absl::StatusOr<BlockRef> block);

  uint32_t floor() const { return floor_; }
  bool empty() const { return slots_.empty(); }
  const Slot& front() const { return slots_.front(); }
  void PopFront() { slots_.pop_front(); }
  // No item is left, neither here nor to be taken in.
  bool finished() const { return slots_.empty() && next_item_ == plan_.items.size(); }
  void Clear() { slots_.clear(); }

 private:
  bool IsWanted(size_t item) const { return plan_.items[item].index >= floor_; }
  // Moves on to the next item that is to be taken in.
  void SkipUnwanted();

  GetPlan& plan_;
  size_t next_item_ = 0;
  uint32_t floor_ = 0;
  std::deque<Slot> slots_;
};

}  // namespace halflife
