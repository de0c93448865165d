#include "storage/tiers/opening_marker.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "common/log.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr int kMostCounted = 9;  // one digit, so that a write of it is never torn

bool Sync(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC);
  if (fd < 0) return false;
  const bool synced = ::fsync(fd) == 0;
  ::close(fd);
  return synced;
}

}  // namespace

OpeningMarker::~OpeningMarker() { Close(); }

OpeningMarker::Record OpeningMarker::Read() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return {};
  char text[2] = {};
  const ssize_t got = ::pread(fd, text, sizeof text, 0);
  ::close(fd);
  const bool is_count = got >= 1 && text[0] >= '1' && text[0] <= '9';
  return {.deaths = is_count ? text[0] - '0' : 1, .own_fault = got == 2 && text[1] == '!'};
}

absl::Status OpeningMarker::Place() {
  const char digit = static_cast<char>('0' + std::min(Read().deaths + 1, kMostCounted));
  Close();
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool placed =
      fd_ >= 0 && ::pwrite(fd_, &digit, 1, 0) == 1 && ::ftruncate(fd_, 1) == 0 && ::fsync(fd_) == 0;
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  placed = placed && Sync(directory, O_RDONLY | O_DIRECTORY);
  if (placed) return absl::OkStatus();
  const int error = errno;
  Close();
  return absl::UnavailableError(StrCat(path_, ": cannot be written: ", std::strerror(error)));
}

void OpeningMarker::Close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void OpeningMarker::Remove() {
  Close();
  // Not synced: if a power cut brings it back, it counts one open too many, and the next removes
  // it.
  if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return;
  Log(Severity::kWarning, "ssd",
      StrCat(path_, ": cannot be removed, would count as a crash: ", std::strerror(errno)));
}

}  // namespace halflife
