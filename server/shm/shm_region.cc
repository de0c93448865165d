#include "server/shm/shm_region.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "common/status.h"
#include "server/shm/shm_session.h"

namespace halflife {
namespace {

constexpr int kMaxPieces = 64;
constexpr uint64_t kBlockOfStat = 512;

absl::Status Cut(uint64_t offset, size_t size, uint64_t has) {
  return absl::OutOfRangeError(
      absl::StrCat("region: ", size, " bytes at ", offset, " of a file that has ", has));
}

absl::Status SystemError(const char* call) {
  return absl::OutOfRangeError(absl::StrCat("region: ", call, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ShmRegion>> ShmRegion::Open(int passed, uint64_t size_bytes) {
  struct statfs system {};
  struct stat facts {};
  // Not a file on a network or in somebody's program: a read would wait for them.
  if (fstatfs(passed, &system) != 0 || system.f_type != TMPFS_MAGIC || fstat(passed, &facts) != 0 ||
      !S_ISREG(facts.st_mode)) {
    return absl::InvalidArgumentError("region: not a file in memory (tmpfs)");
  }
  // This process may be allowed more than the client is: only what the client could do itself.
  if ((fcntl(passed, F_GETFL) & O_ACCMODE) != O_RDWR) {
    return absl::PermissionDeniedError("region: the client's descriptor is not open for both ways");
  }
  if (static_cast<uint64_t>(facts.st_size) < size_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("region: ", size_bytes, " bytes of a file that has ", facts.st_size));
  }
  const std::string path = absl::StrCat("/proc/self/fd/", passed);
  FileDescriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) {
    return absl::PermissionDeniedError(
        absl::StrCat("region: cannot be opened for reading and writing: ", std::strerror(errno)));
  }
  return std::shared_ptr<const ShmRegion>(new ShmRegion(std::move(file), size_bytes));
}

absl::Status ShmRegion::Read(uint64_t offset, absl::Span<uint8_t> to) const {
  if (to.size() > size_bytes_ || offset > size_bytes_ - to.size()) {
    return Cut(offset, to.size(), size_bytes_);
  }
  for (size_t done = 0; done < to.size();) {
    const ssize_t size =
        pread(file_.get(), to.data() + done, to.size() - done, static_cast<off_t>(offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return SystemError("pread");
    if (size == 0) return Cut(offset, to.size(), offset + done);
    done += static_cast<size_t>(size);
  }
  return absl::OkStatus();
}

absl::Status ShmRegion::Write(uint64_t offset, absl::Span<const uint8_t> from) const {
  struct stat facts {};
  if (fstat(file_.get(), &facts) != 0) return SystemError("fstat");
  const auto file_bytes = static_cast<uint64_t>(facts.st_size);
  if (from.size() > size_bytes_ || offset > size_bytes_ - from.size() || file_bytes < size_bytes_) {
    return Cut(offset, from.size(), std::min(file_bytes, size_bytes_));
  }
  if (static_cast<uint64_t>(facts.st_blocks) * kBlockOfStat < file_bytes) {
    return absl::OutOfRangeError("region: the file has holes");
  }
  for (size_t done = 0; done < from.size();) {
    const ssize_t size = pwrite(file_.get(), from.data() + done, from.size() - done,
                                static_cast<off_t>(offset + done));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return SystemError("pwrite");
    done += static_cast<size_t>(size);
  }
  return absl::OkStatus();
}

absl::StatusOr<RegionPlace> RegionPlace::Of(const ShmSession& session, const Pieces& pieces,
                                            uint64_t block_bytes) {
  if (pieces.empty() || pieces.size() > kMaxPieces) {
    return absl::InvalidArgumentError(
        absl::StrCat("a block in ", pieces.size(), " pieces, allowed are 1 to ", kMaxPieces));
  }
  RegionPlace place;
  uint64_t begin = 0;
  for (const v1::RegionPiece& message : pieces) {
    ShmRegionRef region = session.FindRegion(message.region());
    if (region == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("region ", message.region(), " is not there"));
    }
    const uint64_t size = region->size_bytes();
    if (message.length() == 0 || message.length() > block_bytes - begin ||
        message.length() > size || message.offset() > size - message.length()) {
      return absl::InvalidArgumentError(absl::StrCat("a piece of ", message.length(), " bytes at ",
                                                     message.offset(), " of a region of ", size,
                                                     ", in a block of ", block_bytes));
    }
    const uint64_t end = begin + message.length();
    place.pieces_.push_back({std::move(region), message.offset(), begin, end});
    begin = end;
  }
  if (begin == block_bytes) return place;
  return absl::InvalidArgumentError(
      absl::StrCat("pieces of ", begin, " bytes, a block has ", block_bytes));
}

template <typename Move>
absl::Status RegionPlace::ForEach(uint64_t offset, uint64_t size, const Move& move) const {
  for (const Piece& piece : pieces_) {
    const uint64_t from = std::max(offset, piece.begin);
    const uint64_t to = std::min(offset + size, piece.end);
    if (from >= to) continue;
    HL_RETURN_IF_ERROR(
        move(*piece.region, piece.region_offset + (from - piece.begin), from - offset, to - from));
  }
  return absl::OkStatus();
}

absl::Status RegionPlace::Read(uint64_t offset, absl::Span<uint8_t> to) const {
  return ForEach(offset, to.size(),
                 [&](const ShmRegion& region, uint64_t at, uint64_t first, uint64_t size) {
                   return region.Read(at, to.subspan(first, size));
                 });
}

absl::Status RegionPlace::Write(uint64_t offset, absl::Span<const uint8_t> from) const {
  return ForEach(offset, from.size(),
                 [&](const ShmRegion& region, uint64_t at, uint64_t first, uint64_t size) {
                   return region.Write(at, from.subspan(first, size));
                 });
}

}  // namespace halflife
