#pragma once

#include "absl/status/statusor.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Reads one block into the arena and verifies it. A block that does not verify is erased.
// Thread-safe; borrows both.
class SsdBlockReader {
 public:
  SsdBlockReader(SsdContext& context, SsdBlockEraser& eraser)
      : context_(context), eraser_(eraser) {}

  // Returns: kNotFound, kDataLoss, kUnavailable, kResourceExhausted as SsdTier::Read.
  absl::StatusOr<BlockRef> Read(const SsdRead& read);

 private:
  absl::StatusOr<BlockRef> ReadSlot(const SsdRead& read, BlockBuffer buffer);
  absl::StatusOr<BlockRef> ReadInline(const SsdRead& read, BlockBuffer buffer);

  SsdContext& context_;
  SsdBlockEraser& eraser_;
};

}  // namespace halflife
