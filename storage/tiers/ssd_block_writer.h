#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "storage/tiers/slot_engine.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Writes blocks: payload first, then index entries, many of each at a time. Thread-safe, but for
// two writes of one key at once; borrows all.
class SsdBlockWriter {
 public:
  // What becomes of the place that a block has had.
  enum class Former {
    kReplace,  // it is freed: it held the same block
    kKeep,     // it stays the block's own until it is erased; slots only
  };

  SsdBlockWriter(SsdContext& context, SsdBlockEraser& eraser, SlotEngine& engine)
      : context_(context), eraser_(eraser), engine_(engine) {}

  // One result per write, in order. Each is one of: kResourceExhausted if the quota has no room,
  // kUnavailable if the partition takes no writes now.
  std::vector<absl::StatusOr<SsdLocation>> Write(absl::Span<const SsdWrite> writes, Former former);

 private:
  SsdContext& context_;
  SsdBlockEraser& eraser_;
  SlotEngine& engine_;
};

}  // namespace halflife
