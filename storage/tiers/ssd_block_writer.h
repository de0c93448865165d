#pragma once

#include "absl/status/statusor.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Writes one block: payload first, then its index entry. Thread-safe; borrows both.
class SsdBlockWriter {
 public:
  SsdBlockWriter(SsdContext& context, SsdBlockEraser& eraser)
      : context_(context), eraser_(eraser) {}

  // Returns: kResourceExhausted if the quota has no room, kUnavailable if the partition takes no
  // writes now.
  absl::StatusOr<SsdLocation> Write(const SsdWrite& write);
  // To a slot, as Write; the former place of the block stays its own until it is erased.
  absl::StatusOr<SsdLocation> WriteCopy(const SsdWrite& write);

 private:
  struct Attempt {
    uint64_t payload_bytes = 0;
    int64_t began_ns = 0;
    bool writable = false;
  };
  // Counts what came of it and says it in the tier's codes.
  absl::StatusOr<SsdLocation> Count(const Attempt& attempt, absl::StatusOr<SsdLocation> location);
  absl::StatusOr<SsdLocation> WriteInline(SsdPartition& partition, const SsdPartition::Use& use,
                                          const SsdWrite& write);
  absl::StatusOr<SsdLocation> WriteToSlot(SsdPartition& partition, const SsdPartition::Use& use,
                                          const SsdWrite& write);
  // Takes the quota for one more inline block, whose charge is in the contents already.
  // Returns: kResourceExhausted; kAborted if there is room once RocksDB has compacted what was
  // erased.
  absl::Status CoverInline(uint64_t payload_bytes);
  absl::Status PutEntry(SsdPartition& partition, const SsdPartition::Use& use,
                        const SsdWrite& write, const SsdLocation& location,
                        const std::string* inline_value);

  SsdContext& context_;
  SsdBlockEraser& eraser_;
};

}  // namespace halflife
