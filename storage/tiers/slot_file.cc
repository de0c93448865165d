#include "storage/tiers/slot_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr char kSuffix[] = ".slots";

std::string PathOf(const SlotFile::Place& place) {
  return StrCat(place.directory, "/", place.name.Format());
}

absl::Status ErrorOf(std::string_view what, std::string_view name, int error) {
  const std::string message = StrCat("slot file ", name, ": ", what, ": ", std::strerror(error));
  if (error == ENOSPC || error == EDQUOT) return absl::FailedPreconditionError(message);
  return absl::UnavailableError(message);
}

// Of a regular file with this name.
absl::StatusOr<uint32_t> SlotsIn(const struct stat& info, const SlotFileName& name) {
  const uint64_t slot_count =
      S_ISREG(info.st_mode) ? static_cast<uint64_t>(info.st_size) / name.slot_bytes : 0;
  if (slot_count > 0 && slot_count <= UINT32_MAX) return static_cast<uint32_t>(slot_count);
  return absl::DataLossError(StrCat("slot file ", name.Format(), ": no whole slot"));
}

// Direct where the file system allows it (tmpfs and some network file systems answer EINVAL).
int OpenDirectOrBuffered(SlotIo& io, const SlotFile::Place& place, int flags) {
  const std::string path = PathOf(place);
  if (place.direct_io) {
    const int fd = io.Open(path.c_str(), flags | O_DIRECT, 0600);
    if (fd != -EINVAL && fd != -EOPNOTSUPP) return fd;
  }
  return io.Open(path.c_str(), flags, 0600);
}

}  // namespace

std::string SlotFileName::Format() const {
  return absl::StrFormat("%08u-%u%s", number, slot_bytes, kSuffix);
}

std::optional<SlotFileName> SlotFileName::Parse(std::string_view name) {
  SlotFileName parsed;
  absl::string_view stem = ToAbsl(name);
  if (!absl::ConsumeSuffix(&stem, kSuffix)) return std::nullopt;
  const std::vector<absl::string_view> parts = absl::StrSplit(stem, '-');
  if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &parsed.number) ||
      !absl::SimpleAtoi(parts[1], &parsed.slot_bytes)) {
    return std::nullopt;
  }
  const bool valid = parsed.number > 0 && parsed.slot_bytes % kPageBytes == 0 &&
                     parsed.slot_bytes >= 2 * kPageBytes &&
                     parsed.slot_bytes <= SlotBytesFor(kMaxBlockBytes);
  if (!valid || parsed.Format() != name) return std::nullopt;
  return parsed;
}

SlotFile::SlotFile(SlotIo& io, Place place, int fd, uint32_t slot_count)
    : io_(io), place_(std::move(place)), fd_(fd), slot_count_(slot_count) {}

SlotFile::~SlotFile() { io_.Close(fd_); }

absl::StatusOr<std::shared_ptr<SlotFile>> SlotFile::Create(SlotIo& io, const Place& place,
                                                           uint32_t slot_count) {
  const int fd = OpenDirectOrBuffered(io, place, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC);
  if (fd < 0) return ErrorOf("create", place.name.Format(), -fd);
  std::shared_ptr<SlotFile> file(new SlotFile(io, place, fd, slot_count));
  if (const int result = io.Allocate(fd, file->file_bytes()); result < 0) {
    io.Unlink(PathOf(place).c_str());
    return ErrorOf("reserve", place.name.Format(), -result);
  }
  return file;
}

absl::StatusOr<std::shared_ptr<SlotFile>> SlotFile::Open(SlotIo& io, const Place& place) {
  // What is no slot file need not be one that opens, and a device or a pipe is not touched.
  HL_RETURN_IF_ERROR(CountSlots(place).status());
  const int fd = OpenDirectOrBuffered(io, place, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return ErrorOf("open", place.name.Format(), -fd);
  struct stat info {};
  absl::StatusOr<uint32_t> slot_count = ::fstat(fd, &info) == 0
                                            ? SlotsIn(info, place.name)
                                            : ErrorOf("stat", place.name.Format(), errno);
  if (!slot_count.ok()) {
    io.Close(fd);
    return slot_count.status();
  }
  return std::shared_ptr<SlotFile>(new SlotFile(io, place, fd, *slot_count));
}

absl::StatusOr<uint32_t> SlotFile::CountSlots(const Place& place) {
  struct stat info {};
  if (::lstat(PathOf(place).c_str(), &info) == 0) return SlotsIn(info, place.name);
  const std::string name = place.name.Format();
  if (errno == ENOENT) return absl::NotFoundError(StrCat("slot file ", name, ": not there"));
  return ErrorOf("stat", name, errno);
}

absl::Status SlotFile::ReadHeader(uint32_t slot, HeaderPage& header) const {
  HL_CHECK(slot < slot_count_);
  const iovec page{header.bytes.data(), kPageBytes};
  ssize_t moved = -EINTR;
  while (moved == -EINTR) {
    moved = io_.Transfer({SlotBytes::Kind::kRead, fd_, &page, 1, slot * slot_bytes()});
  }
  if (moved < 0) return IoError("read", static_cast<int>(-moved));
  return moved == static_cast<ssize_t>(kPageBytes) ? absl::OkStatus() : CutShortError();
}

absl::Status SlotFile::IoError(std::string_view what, int error) const {
  return ErrorOf(what, place_.name.Format(), error);
}

absl::Status SlotFile::CutShortError() const {
  return absl::DataLossError(StrCat("slot file ", place_.name.Format(), ": cut short"));
}

absl::Status SlotFile::Unlink() const {
  const int result = io_.Unlink(PathOf(place_).c_str());
  if (result < 0 && result != -ENOENT) return IoError("delete", -result);
  return absl::OkStatus();
}

}  // namespace halflife
