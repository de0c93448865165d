#pragma once

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/slot_file.h"
#include "storage/tiers/slot_io.h"

namespace halflife {

// Neighbouring slots of one file as one request to the device. It owns the memory that is read into
// or written from, and keeps the file open, so that whoever waits for it may give it up while the
// device still works on it. One thread at a time.
//   (AddRead* | AddWrite*) (bytes_now Took)*, until Took returns true
class SlotTransfer {
 public:
  using Kind = SlotBytes::Kind;
  // One slot of it.
  struct Part {
    size_t index = 0;  // of the block in the caller's batch
    std::unique_ptr<HeaderPage> header;
    BlockBuffer buffer;  // of a read
    BlockRef block;      // of a write
  };

  SlotTransfer(Kind kind, std::shared_ptr<const SlotFile> file, uint32_t first_slot);
  SlotTransfer(const SlotTransfer&) = delete;
  SlotTransfer& operator=(const SlotTransfer&) = delete;

  // The next slot. Its payload fills it but for the header page.
  void AddRead(size_t index, BlockBuffer buffer);
  void AddWrite(size_t index, std::unique_ptr<HeaderPage> header, BlockRef block);

  // What is left to move.
  SlotBytes bytes_now() const;
  // Takes the result of a system call that moved it: bytes, or -errno. Returns true when it is
  // over, false if the rest is to be started again: a call that was interrupted, or cut short at a
  // page (direct I/O cannot go on anywhere else).
  bool Took(ssize_t result);

  // When it is over. Returns: kDataLoss if the file ends before the slots (reads),
  // kFailedPrecondition if the file system is full (writes), kUnavailable.
  const absl::Status& status() const { return status_; }
  absl::Span<Part> parts() { return absl::MakeSpan(parts_); }
  // Takes part `number` out into a transfer of its own, to be tried alone.
  std::unique_ptr<SlotTransfer> Alone(size_t number);

  const std::shared_ptr<const SlotFile>& file() const { return file_; }
  // Behind its last.
  uint32_t end_slot() const { return first_slot_ + static_cast<uint32_t>(parts_.size()); }
  uint64_t total_bytes() const { return parts_.size() * file_->slot_bytes(); }
  // For who starts it.
  int64_t began_ns = 0;

 private:
  void AddPiece(void* bytes, size_t count) { pieces_.push_back({bytes, count}); }
  absl::Status CutShort() const;

  const Kind kind_;
  const std::shared_ptr<const SlotFile> file_;
  const uint32_t first_slot_;
  std::vector<Part> parts_;
  std::vector<iovec> pieces_;
  size_t first_piece_ = 0;  // of those that are not moved yet
  uint64_t moved_bytes_ = 0;
  absl::Status status_;
};

}  // namespace halflife
