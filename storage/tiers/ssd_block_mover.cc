#include "storage/tiers/ssd_block_mover.h"

#include <utility>

#include "common/status.h"

namespace halflife {

absl::StatusOr<SsdLocation> SsdBlockMover::Move(const SsdMove& move) {
  SsdPartition* const partition = context_.PartitionAt(move.from);
  if (partition == nullptr || move.from.file == 0) {
    return absl::NotFoundError("SSD tier: no block in a slot");
  }
  const SsdPartition::Use use = partition->use();
  if (!use.writable) return absl::UnavailableError("SSD tier: the partition takes no writes now");
  // Identity and state of the block are in its entry.
  const absl::StatusOr<SsdIndexEntry> entry = use.index->Get(move.key);
  if (absl::IsNotFound(entry.status()) || (entry.ok() && !entry->IsAt(move.from))) {
    return absl::NotFoundError("SSD tier: the location is stale");
  }
  HL_RETURN_IF_ERROR(entry.status());
  HL_ASSIGN_OR_RETURN(BlockRef block, reader_.Read({move.key, entry->identity, move.from}));
  HL_ASSIGN_OR_RETURN(const SsdLocation to,
                      writer_.WriteCopy({move.key, std::move(block), entry->state}));
  SsdCounters::Add(context_.counters.blocks_moved);
  return to;
}

}  // namespace halflife
