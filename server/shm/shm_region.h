#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/file_descriptor.h"
#include "google/protobuf/repeated_field.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife {

class ShmSession;

// A file of a client's, in memory (tmpfs: /dev/shm, a memfd), that the daemon copies blocks from
// and into by itself. By pread and pwrite, never by a mapping: its owner may cut it, punch holes
// into it or write to it at any moment, and all the daemon sees of that is a short count. Nor does
// it cost address space and page tables, which for a region of 64 GiB are 128 MiB. Thread-safe.
class ShmRegion {
 public:
  // Opens the file behind `passed` anew: the flags of the client's own description (O_APPEND) are
  // the client's to change. Returns: kInvalidArgument unless it is a file in memory, of that size;
  // kPermissionDenied if client or daemon may not both read and write it.
  static absl::StatusOr<std::shared_ptr<const ShmRegion>> Open(int passed, uint64_t size_bytes);

  uint64_t size_bytes() const { return size_bytes_; }
  // Both return: kOutOfRange outside the region, and where the file has become shorter. The bytes
  // of a file that is written to meanwhile are any.
  absl::Status Read(uint64_t offset, absl::Span<uint8_t> to) const;
  // Returns also: kOutOfRange if the file has holes, whose pages would be charged to this process.
  absl::Status Write(uint64_t offset, absl::Span<const uint8_t> from) const;

 private:
  ShmRegion(FileDescriptor file, uint64_t size_bytes)
      : file_(std::move(file)), size_bytes_(size_bytes) {}

  const FileDescriptor file_;
  const uint64_t size_bytes_;
};
using ShmRegionRef = std::shared_ptr<const ShmRegion>;

// Where one block lies in the regions of a session: one or more pieces, checked. Immutable.
class RegionPlace {
 public:
  using Pieces = google::protobuf::RepeatedPtrField<v1::RegionPiece>;
  // Returns: kInvalidArgument unless they are 1 to 64 that add up to `block_bytes`, each within a
  // region of the session.
  static absl::StatusOr<RegionPlace> Of(const ShmSession& session, const Pieces& pieces,
                                        uint64_t block_bytes);

  // A stretch of the block, [offset, offset + size). As ShmRegion's.
  absl::Status Read(uint64_t offset, absl::Span<uint8_t> to) const;
  absl::Status Write(uint64_t offset, absl::Span<const uint8_t> from) const;

 private:
  struct Piece {
    ShmRegionRef region;
    uint64_t region_offset = 0;
    uint64_t begin = 0;  // in the block
    uint64_t end = 0;
  };
  // Calls `move(region, region offset, offset in the stretch, size)` for each part of a stretch.
  template <typename Move>
  absl::Status ForEach(uint64_t offset, uint64_t size, const Move& move) const;

  std::vector<Piece> pieces_;
};

}  // namespace halflife
