#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "storage/tiers/slot_engine.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_context.h"
#include "storage/tiers/ssd_slot_reads.h"

namespace halflife {

// Reads blocks into the arena and verifies them, many at a time and never beyond a deadline. A
// block that does not verify is erased. Thread-safe; borrows all. `executor` runs no task of it any
// more when it goes.
class SsdBlockReader {
 public:
  SsdBlockReader(SsdContext& context, SsdBlockEraser& eraser, SlotEngine& engine,
                 Executor& executor)
      : context_(context), eraser_(eraser), engine_(engine), executor_(executor) {}

  // Returns: kNotFound, kDataLoss, kUnavailable, kResourceExhausted as SsdTier::Read.
  std::vector<absl::StatusOr<BlockRef>> Read(absl::Span<const SsdRead> reads);

 private:
  // Sets aside what is stale already; sorts the rest.
  struct Sorted {
    std::vector<SsdSlotReads::Item> in_slots;
    std::vector<size_t> in_database;
  };
  Sorted Sort(absl::Span<const SsdRead> reads, absl::Span<SsdReadOutcome> outcomes);
  // Returns: as RunTransfers.
  bool ReadSlots(absl::Span<const SsdRead> reads, std::vector<SsdSlotReads::Item> items,
                 absl::Span<SsdReadOutcome> outcomes);
  SsdReadOutcome ReadInline(const SsdRead& read);
  absl::StatusOr<BlockRef> InlineBlock(const SsdRead& read);
  // What it means for the tier, and the tier's code for it.
  absl::StatusOr<BlockRef> Settle(const SsdRead& read, SsdReadOutcome outcome);

  SsdContext& context_;
  SsdBlockEraser& eraser_;
  SlotEngine& engine_;
  Executor& executor_;
};

}  // namespace halflife
