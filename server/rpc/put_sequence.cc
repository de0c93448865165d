#include "server/rpc/put_sequence.h"

#include "common/status.h"

namespace halflife {

absl::Status PutSequence::CheckFirst(const FrameHead& head) const {
  if (head.block_bytes != plan_.block_bytes()) {
    return absl::InvalidArgumentError(absl::StrCat("frame.block_bytes is ", head.block_bytes,
                                                   ", blocks of this namespace have ",
                                                   plan_.block_bytes()));
  }
  if (head.checksum) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("frame.checksum is missing on the first frame of block ", head.index));
}

absl::StatusOr<PutSequence::Position> PutSequence::Next(const FrameHead& head,
                                                        size_t payload_bytes) {
  HL_ASSIGN_OR_RETURN(const size_t item, plan_.ItemOf(head.index, head.part));
  const bool in_block = offset_ > 0;
  if (in_block ? item != item_ : item < item_) {
    return absl::InvalidArgumentError(
        absl::StrCat("frame of (block, part) number ", item, " is out of order, ",
                     in_block ? "inside of" : "expected from", " number ", item_));
  }
  if (head.offset != offset_) {
    return absl::InvalidArgumentError(absl::StrCat("frame.offset is ", head.offset, ", ", offset_,
                                                   " bytes of the block have come"));
  }
  if (payload_bytes == 0) return absl::InvalidArgumentError("frame.payload is empty");
  if (payload_bytes > plan_.block_bytes() - offset_) {
    return absl::InvalidArgumentError(absl::StrCat("frame.payload of ", payload_bytes,
                                                   " bytes at offset ", offset_,
                                                   " is beyond the block's ", plan_.block_bytes()));
  }
  if (!in_block) HL_RETURN_IF_ERROR(CheckFirst(head));

  Position position{.item = item, .offset = offset_, .first = !in_block, .last = false};
  item_ = item;
  offset_ += payload_bytes;
  if (offset_ == plan_.block_bytes()) {
    position.last = true;
    ++item_;
    offset_ = 0;
  }
  return position;
}

absl::Status PutSequence::Finish() const {
  if (offset_ == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("the stream ended after ", offset_, " of ",
                                                 plan_.block_bytes(),
                                                 " bytes of (block, part) number ", item_));
}

}  // namespace halflife
