#include "client/src/block_receiver.h"

#include <utility>

#include "common/block_copy.h"

namespace halflife::client {

void BlockReceiver::Restart(std::vector<GetItem>& items) {
  is_settled_.assign(items.size(), false);
  settled_items_ = 0;
  current_.reset();
  counts_ = {};
  for (GetItem& item : items) item.outcome = Outcome::kMiss;
}

bool BlockReceiver::Accept(const Frame& frame, std::vector<GetItem>& items) {
  const FrameHead& head = frame.head;
  const TransferShape& shape = expected_.shape;
  if (head.index >= shape.chain.size() || head.part < shape.part_first ||
      head.part >= uint32_t{shape.part_first} + shape.part_count) {
    return false;
  }
  const size_t item = size_t{head.index} * shape.part_count + (head.part - shape.part_first);
  if (is_settled_[item]) return false;
  if (current_ && current_->item != item && !IsWanted(current_->item)) {
    Settle(current_->item);  // the sender has broken off
    current_.reset();
  }
  if (head.status != FrameStatus::kOk) {
    if (current_ || frame.payload_bytes > 0) return false;
    Settle(item);
    return true;
  }
  if (!current_ && !Begin(head, item, items)) return false;
  if (current_->item != item || head.offset != current_->received_bytes) return false;
  // A frame that brings nothing could come for ever.
  if (frame.payload_bytes == 0) return false;
  if (frame.payload_bytes > expected_.block_bytes - current_->received_bytes) return false;
  if (IsWanted(item)) {
    for (const absl::Span<const uint8_t> piece : frame.payload) TakePiece(piece);
  }
  current_->received_bytes += frame.payload_bytes;
  if (current_->received_bytes == expected_.block_bytes) Finish(items);
  return true;
}

// Past the caches: what the caller does with a block is not up to the thread that receives it.
void BlockReceiver::TakePiece(absl::Span<const uint8_t> piece) {
  const uint8_t* from = piece.data();
  current_->into.Next(piece.size(), [&](absl::Span<uint8_t> to) {
    if (expected_.verify) {
      CopyAndHash(to.data(), from, to.size(), /*past_cache=*/true, current_->actual);
    } else {
      CopyPastCache(to.data(), from, to.size());
    }
    from += to.size();
  });
}

BlockIdentity BlockReceiver::IdentityOf(size_t item) const {
  const TransferShape& shape = expected_.shape;
  return {.ns = expected_.ns,
          .hash = shape.chain[item / shape.part_count],
          .group = expected_.group,
          .part = static_cast<uint16_t>(shape.part_first + item % shape.part_count)};
}

bool BlockReceiver::Begin(const FrameHead& head, size_t item, std::vector<GetItem>& items) {
  if (head.offset != 0 || head.block_bytes != expected_.block_bytes || !head.checksum) return false;
  current_.emplace(Current{.item = item,
                           .declared = *head.checksum,
                           .actual = Xxh3Stream(ChecksumSeed(IdentityOf(item))),
                           .into = ScatterCursor(items[item].into)});
  return true;
}

void BlockReceiver::Finish(std::vector<GetItem>& items) {
  const bool holds = !expected_.verify || current_->actual.Finish() == current_->declared;
  if (!IsWanted(current_->item)) {
    // Dropped, at least in part.
  } else if (holds) {
    items[current_->item].outcome = Outcome::kOk;
    counts_.bytes += expected_.block_bytes;
  } else {
    ++counts_.corrupt_blocks;
  }
  Settle(current_->item);
  current_.reset();
}

void BlockReceiver::Settle(size_t item) {
  is_settled_[item] = true;
  ++settled_items_;
}

}  // namespace halflife::client
