#pragma once

#include "absl/status/statusor.h"
#include "storage/tiers/ssd_block_reader.h"
#include "storage/tiers/ssd_block_writer.h"

namespace halflife {

// Copies a block from one slot to another, by way of the arena, so that its slot file runs empty.
// Thread-safe; borrows all three.
class SsdBlockMover {
 public:
  SsdBlockMover(SsdContext& context, SsdBlockReader& reader, SsdBlockWriter& writer)
      : context_(context), reader_(reader), writer_(writer) {}

  // Returns: as SsdTier::Move.
  absl::StatusOr<SsdLocation> Move(const SsdMove& move);

 private:
  SsdContext& context_;
  SsdBlockReader& reader_;
  SsdBlockWriter& writer_;
};

}  // namespace halflife
