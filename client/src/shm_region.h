#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/include/halflife/client.h"
#include "client/src/shm_line.h"
#include "client/src/shm_memory.h"
#include "common/file_descriptor.h"
#include "common/mutex.h"
#include "google/protobuf/repeated_field.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {

// What Region points to: a stretch of the caller's memory and the file behind it, by which name the
// daemon knows it in which session, and the calls that may still write to it. Thread-safe.
class RegionState {
 public:
  // `fd` is duplicated. Returns: kInvalidArgument unless it is a file that has those bytes.
  static absl::StatusOr<std::shared_ptr<RegionState>> Of(void* base, size_t size, int fd,
                                                         uint64_t file_offset);

  // Name in this session; registers it if need be, once a second at most if that fails. `path` of
  // the door.
  std::optional<uint32_t> NameIn(const std::string& path, const ShmMemoryRef& memory);
  // Adds the segments as pieces of region `name`. False if they are not all within it.
  bool AddPieces(uint32_t name, View<Segment> segments,
                 google::protobuf::RepeatedPtrField<v1::RegionPiece>& pieces) const;

  // The daemon has not said yet that it is done with the call on this line.
  void AwaitEnd(std::shared_ptr<ShmLine> line);
  bool quiet();

 private:
  RegionState(uint8_t* base, uint64_t size, FileDescriptor file, uint64_t file_offset)
      : base_(base), size_(size), file_(std::move(file)), file_offset_(file_offset) {}

  const uint8_t* const base_;
  const uint64_t size_;
  const FileDescriptor file_;
  const uint64_t file_offset_;

  Mutex mutex_;
  ShmMemoryRef memory_ ABSL_GUARDED_BY(mutex_);        // the session it is registered in
  FileDescriptor connection_ ABSL_GUARDED_BY(mutex_);  // as long as this is open
  uint32_t name_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t next_try_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  std::vector<std::shared_ptr<ShmLine>> unsettled_ ABSL_GUARDED_BY(mutex_);
};

struct Region::Impl {
  std::shared_ptr<RegionState> state;
};

struct RegionAccess {
  static RegionState& StateOf(const Region& region) { return *region.impl_->state; }
};

}  // namespace halflife::client
