#include "storage/tiers/slot_transfer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "common/check.h"

namespace halflife {

SlotTransfer::SlotTransfer(Kind kind, std::shared_ptr<const SlotFile> file, uint32_t first_slot)
    : kind_(kind), file_(std::move(file)), first_slot_(first_slot) {}

void SlotTransfer::AddRead(size_t index, BlockBuffer buffer) {
  auto header = std::make_unique<HeaderPage>();
  const uint64_t payload_bytes = file_->slot_bytes() - kPageBytes;
  HL_CHECK(buffer.padded_bytes().size() >= payload_bytes);
  AddPiece(header->bytes.data(), kPageBytes);
  AddPiece(buffer.padded_bytes().data(), payload_bytes);
  parts_.push_back({index, std::move(header), std::move(buffer), {}});
}

void SlotTransfer::AddWrite(size_t index, std::unique_ptr<HeaderPage> header, BlockRef block) {
  const absl::Span<const uint8_t> payload = block.payload();
  HL_CHECK(SlotBytesFor(payload.size()) == file_->slot_bytes());
  AddPiece(header->bytes.data(), kPageBytes);
  // iovec has no const form; a write does not change the bytes. The arena's slot is padded to
  // 4 KiB, so the last page is all there.
  AddPiece(const_cast<uint8_t*>(payload.data()), file_->slot_bytes() - kPageBytes);
  parts_.push_back({index, std::move(header), {}, std::move(block)});
}

SlotBytes SlotTransfer::bytes_now() const {
  return {kind_, file_->fd(), pieces_.data() + first_piece_,
          static_cast<int>(pieces_.size() - first_piece_),
          first_slot_ * file_->slot_bytes() + moved_bytes_};
}

absl::Status SlotTransfer::CutShort() const {
  return kind_ == Kind::kRead ? file_->CutShortError() : file_->IoError("write", EIO);
}

bool SlotTransfer::Took(ssize_t result) {
  if (result == -EINTR || result == -EAGAIN) return false;
  if (result < 0) {
    status_ = file_->IoError(kind_ == Kind::kRead ? "read" : "write", static_cast<int>(-result));
    return true;
  }
  auto moved = static_cast<size_t>(result);
  moved_bytes_ += moved;
  while (first_piece_ < pieces_.size() && moved >= pieces_[first_piece_].iov_len) {
    moved -= pieces_[first_piece_++].iov_len;
  }
  if (first_piece_ == pieces_.size()) return true;
  if (result == 0 || moved % kPageBytes != 0) {
    status_ = CutShort();
    return true;
  }
  iovec& piece = pieces_[first_piece_];
  piece = {static_cast<uint8_t*>(piece.iov_base) + moved, piece.iov_len - moved};
  return false;
}

std::unique_ptr<SlotTransfer> SlotTransfer::Alone(size_t number) {
  auto alone =
      std::make_unique<SlotTransfer>(kind_, file_, first_slot_ + static_cast<uint32_t>(number));
  Part& part = parts_[number];
  if (kind_ == Kind::kRead) {
    alone->AddRead(part.index, std::move(part.buffer));
  } else {
    alone->AddWrite(part.index, std::move(part.header), std::move(part.block));
  }
  return alone;
}

}  // namespace halflife
