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

int OpeningMarker::deaths() const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return 0;
  char digit = 0;
  const ssize_t got = ::pread(fd, &digit, 1, 0);
  ::close(fd);
  return got == 1 && digit >= '1' && digit <= '9' ? digit - '0' : 1;
}

absl::Status OpeningMarker::Place() {
  const char digit = static_cast<char>('0' + std::min(deaths() + 1, kMostCounted));
  const int fd = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool placed = fd >= 0 && ::pwrite(fd, &digit, 1, 0) == 1 && ::fsync(fd) == 0;
  const std::string directory = std::filesystem::path(path_).parent_path().string();
  placed = placed && Sync(directory, O_RDONLY | O_DIRECTORY);
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (placed) return absl::OkStatus();
  return absl::UnavailableError(StrCat(path_, ": cannot be written: ", std::strerror(error)));
}

void OpeningMarker::Remove() {
  // Not synced: if a power cut brings it back, it counts one open too many, and the next removes
  // it.
  if (::unlink(path_.c_str()) == 0 || errno == ENOENT) return;
  Log(Severity::kWarning, "ssd",
      StrCat(path_, ": cannot be removed, would count as a crash: ", std::strerror(errno)));
}

}  // namespace halflife
