#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/status/statusor.h"
#include "proto/wire/frame_codec.h"
#include "server/rpc/put_plan.h"

namespace halflife {

// The order in which the frames of a Put must come: blocks ascending, parts within a block, pieces
// of a block without gap or overlap. Whole blocks may be left out. Pure; one thread at a time;
// borrows the plan.
class PutSequence {
 public:
  explicit PutSequence(const PutPlan& plan) : plan_(plan) {}

  struct Position {
    size_t item = 0;
    uint64_t offset = 0;
    bool first = false;  // piece of its block
    bool last = false;
  };
  // Where this frame belongs. Returns: kInvalidArgument, naming what was expected, if it is out of
  // order, empty, too long for its block, or if a first frame has another length than the
  // namespace's blocks or no checksum.
  absl::StatusOr<Position> Next(const FrameHead& head, size_t payload_bytes);

  // The peer has sent its last frame. Returns: kInvalidArgument in the middle of a block.
  absl::Status Finish() const;

 private:
  absl::Status CheckFirst(const FrameHead& head) const;

  const PutPlan& plan_;
  size_t item_ = 0;      // of the current block; of the next one expected if offset_ is 0
  uint64_t offset_ = 0;  // received of the current block
};

}  // namespace halflife
