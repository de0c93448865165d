#include "storage/tiers/ssd_block_mover.h"

#include <utility>

#include "common/status.h"

namespace halflife {

absl::StatusOr<SsdIndexEntry> SsdBlockMover::EntryOf(const SsdMove& move) {
  SsdPartition* const partition = context_.PartitionAt(move.from);
  if (partition == nullptr || move.from.file == 0) {
    return absl::NotFoundError("SSD tier: no block in a slot");
  }
  const SsdPartition::Use use = partition->use();
  if (!use.writable) return absl::UnavailableError("SSD tier: the partition takes no writes now");
  // Identity and state of the block are in its entry.
  absl::StatusOr<SsdIndexEntry> entry = use.index->Get(move.key);
  if (absl::IsNotFound(entry.status()) || (entry.ok() && !entry->IsAt(move.from))) {
    return absl::NotFoundError("SSD tier: the location is stale");
  }
  return entry;
}

std::vector<absl::StatusOr<SsdLocation>> SsdBlockMover::Move(absl::Span<const SsdMove> moves) {
  std::vector<absl::StatusOr<SsdLocation>> results;
  std::vector<SsdRead> reads;
  std::vector<SsdWrite> writes;  // of each read, without its block yet
  std::vector<size_t> numbers;   // of each read, its move
  for (size_t i = 0; i < moves.size(); ++i) {
    absl::StatusOr<SsdIndexEntry> entry = EntryOf(moves[i]);
    results.push_back(entry.status().ok() ? absl::UnknownError("") : entry.status());
    if (!entry.ok()) continue;
    reads.push_back({moves[i].key, entry->identity, moves[i].from});
    writes.push_back({moves[i].key, {}, entry->state});
    numbers.push_back(i);
  }
  std::vector<absl::StatusOr<BlockRef>> blocks = reader_.Read(reads);
  std::vector<SsdWrite> readable;
  std::vector<size_t> readable_numbers;
  for (size_t k = 0; k < blocks.size(); ++k) {
    if (!blocks[k].ok()) {
      results[numbers[k]] = blocks[k].status();
      continue;
    }
    writes[k].block = *std::move(blocks[k]);
    context_.NoteCopy({reads[k].key, reads[k].location});
    readable.push_back(std::move(writes[k]));
    readable_numbers.push_back(numbers[k]);
  }
  std::vector<absl::StatusOr<SsdLocation>> places =
      writer_.Write(readable, SsdBlockWriter::Former::kKeep);
  for (size_t k = 0; k < places.size(); ++k) {
    if (places[k].ok()) SsdCounters::Add(context_.counters.blocks_moved);
    results[readable_numbers[k]] = std::move(places[k]);
  }
  return results;
}

}  // namespace halflife
