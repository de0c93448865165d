#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "storage/tiers/ssd_block_reader.h"
#include "storage/tiers/ssd_block_writer.h"

namespace halflife {

// Copies blocks from one slot to another, by way of the arena, so that its slot file runs empty.
// Thread-safe; borrows all three.
class SsdBlockMover {
 public:
  SsdBlockMover(SsdContext& context, SsdBlockReader& reader, SsdBlockWriter& writer)
      : context_(context), reader_(reader), writer_(writer) {}

  // As SsdTier::Move.
  std::vector<absl::StatusOr<SsdLocation>> Move(absl::Span<const SsdMove> moves);

 private:
  // The block's entry, if it is at the place that the move names. Returns: kNotFound, kUnavailable.
  absl::StatusOr<SsdIndexEntry> EntryOf(const SsdMove& move);

  SsdContext& context_;
  SsdBlockReader& reader_;
  SsdBlockWriter& writer_;
};

}  // namespace halflife
