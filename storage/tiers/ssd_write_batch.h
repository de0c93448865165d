#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/tiers/slot_engine.h"
#include "storage/tiers/ssd_block_eraser.h"
#include "storage/tiers/ssd_context.h"

namespace halflife {

// Writes of distinct blocks that are under way together:
//   place    each block gets a slot, or a charge for an inline one, some blocks ahead of
//   payload  into the slots, neighbours in one request, several on the device at a time
//   commit   index entries of blocks whose payload is there, in batches by partition
// The device is busy with other payload while some blocks are placed.
// For one use, by one thread. Borrows all.
class SsdWriteBatch {
 public:
  SsdWriteBatch(SsdContext& context, SsdBlockEraser& eraser, absl::Span<const SsdWrite> writes,
                bool keep_former);

  std::vector<absl::StatusOr<SsdLocation>> Run(SlotEngine& engine) &&;

 private:
  struct Item {
    bool is_inline = false;
    bool settled = false;  // its result stands
    bool started = false;  // its slot may be written at any time from here on
    int64_t began_ns = 0;
    SsdLocation location;
    std::shared_ptr<const SlotFile> file;
    std::optional<SsdErase> replaced;
  };
  struct PerPartition {
    std::optional<SsdPartition::Use> use;  // of the whole batch
    std::vector<size_t> ready;             // to commit
    uint64_t ready_bytes = 0;
  };

  SsdPartition& PartitionOf(size_t i) { return context_.PartitionOf(writes_[i].key); }
  PerPartition& StateOf(const SsdPartition& partition) {
    return partitions_[static_cast<size_t>(partition.number())];
  }

  // The partition's state for the whole batch.
  const SsdPartition::Use& UseOf(SsdPartition& partition);
  // Places blocks until some more are in slots, or all are placed.
  void PlaceSome();
  void Place(size_t i);
  void PlaceInline(size_t i, const SsdPartition::Use& use);
  void PlaceInSlot(size_t i);
  // Takes the quota for one more inline block, whose charge is in the contents already.
  // Returns: kResourceExhausted; kAborted if there is room once RocksDB has compacted what was
  // erased.
  absl::Status CoverInline(uint64_t payload_bytes);

  void WriteSlots(SlotEngine& engine);
  std::unique_ptr<SlotTransfer> NextTransfer();
  void TransferDone(std::unique_ptr<SlotTransfer> transfer);
  void GiveUpSlot(size_t i, const absl::Status& status);

  void Ready(size_t i);
  void Commit(SsdPartition& partition);
  void Uncommitted(size_t i, const SsdPartition::Use& use, const absl::Status& status);
  void Committed(size_t i, const SsdPartition::Use& use);
  // Counts what came of it and says it in the tier's codes.
  void Settle(size_t i, absl::StatusOr<SsdLocation> location);

  SsdContext& context_;
  SsdBlockEraser& eraser_;
  const absl::Span<const SsdWrite> writes_;
  const bool keep_former_;

  std::vector<Item> items_;  // by write
  std::vector<absl::StatusOr<SsdLocation>> results_;
  std::vector<PerPartition> partitions_;             // by number
  size_t placed_ = 0;                                // so many, from the first
  std::vector<size_t> in_slots_;                     // those to come in the order of the medium
  size_t next_ = 0;                                  // of those
  std::deque<std::unique_ptr<SlotTransfer>> alone_;  // of a larger one that failed
};

}  // namespace halflife
