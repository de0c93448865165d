#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/tiers/slot_io.h"

namespace halflife {

inline constexpr uint64_t kPageBytes = 4096;  // alignment and unit of direct I/O

constexpr uint64_t RoundUpToPage(uint64_t bytes) {
  return (bytes + kPageBytes - 1) / kPageBytes * kPageBytes;
}
// Bytes of a slot that holds a payload of this size: the header's page, then the payload padded to
// pages.
constexpr uint64_t SlotBytesFor(uint64_t payload_bytes) {
  return kPageBytes + RoundUpToPage(payload_bytes);
}

// The first page of a slot: BlockHeader, then zeros.
struct alignas(kPageBytes) HeaderPage {
  std::array<uint8_t, kPageBytes> bytes{};
};

// What the name of a slot file says: "00000012-69632.slots" is file 12 with slots of 69,632 bytes.
struct SlotFileName {
  uint32_t number = 0;
  uint64_t slot_bytes = 0;

  std::string Format() const;
  static std::optional<SlotFileName> Parse(std::string_view name);
};

// One preallocated file of equal slots: [slot_count][header page | payload, padded to 4 KiB].
// SlotTransfer moves bytes from and to it. Does not know which slots are in use (SlotSpace does)
// nor whether bytes are right (the tier verifies). Direct I/O where the file system allows it, else
// buffered. Immutable; thread-safe. Borrows the SlotIo.
class SlotFile {
 public:
  struct Place {
    std::string directory;
    SlotFileName name;
    bool direct_io = true;
  };

  // Makes a new file of `slot_count` slots with its room reserved; leaves nothing behind if it
  // fails. Returns: kFailedPrecondition if the file system is full, kUnavailable on any other
  // error.
  static absl::StatusOr<std::shared_ptr<SlotFile>> Create(SlotIo& io, const Place& place,
                                                          uint32_t slot_count);
  // Opens what is there. Returns: kNotFound if nothing is, kDataLoss if that is no regular file or
  // holds no whole slot, kUnavailable if it cannot be opened now, whatever it holds.
  static absl::StatusOr<std::shared_ptr<SlotFile>> Open(SlotIo& io, const Place& place);
  // Whole slots of a file that need not be opened for it. Returns: as Open.
  static absl::StatusOr<uint32_t> CountSlots(const Place& place);
  ~SlotFile();
  SlotFile(const SlotFile&) = delete;
  SlotFile& operator=(const SlotFile&) = delete;

  // Reads the header page of a slot, on the calling thread. Payload goes through SlotTransfer.
  // Returns: kDataLoss if the file ends before the slot, kUnavailable.
  absl::Status ReadHeader(uint32_t slot, HeaderPage& header) const;
  // Removes the name; the room comes back when the last user has closed it. Returns: kUnavailable.
  absl::Status Unlink() const;

  uint32_t number() const { return place_.name.number; }
  uint64_t slot_bytes() const { return place_.name.slot_bytes; }
  uint32_t slot_count() const { return slot_count_; }
  uint64_t file_bytes() const { return slot_count_ * slot_bytes(); }
  int fd() const { return fd_; }

  // What a failed system call means: kFailedPrecondition if the file system is full, else
  // kUnavailable. And: the file ends before the slot, kDataLoss.
  absl::Status IoError(std::string_view what, int error) const;
  absl::Status CutShortError() const;

 private:
  SlotFile(SlotIo& io, Place place, int fd, uint32_t slot_count);

  SlotIo& io_;
  const Place place_;
  const int fd_;
  const uint32_t slot_count_;
};

}  // namespace halflife
