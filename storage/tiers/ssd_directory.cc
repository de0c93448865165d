#include "storage/tiers/ssd_directory.h"
#include "common/strings.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace halflife {
namespace {

namespace fs = std::filesystem;

absl::Status Unavailable(std::string_view what, const std::string& path, int error) {
  return absl::UnavailableError(
      StrCat("ssd directory ", path, ": ", what, ": ", std::strerror(error)));
}

}  // namespace

absl::Status MakePrivateDirectory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    const absl::Status status = Unavailable("cannot make it", path, errno);
    const bool full = errno == ENOSPC || errno == EDQUOT;
    return full ? absl::ResourceExhaustedError(status.message()) : status;
  }
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return Unavailable("cannot look at it", path, errno);
  const std::string name = StrCat("ssd directory ", path);
  if (!S_ISDIR(info.st_mode)) {
    return absl::FailedPreconditionError(
        StrCat(name, " is not a directory (links are refused): name the directory itself"));
  }
  if (info.st_uid != ::geteuid()) {
    return absl::FailedPreconditionError(StrCat(name, " belongs to uid ", info.st_uid,
                                                ", the daemon runs as uid ", ::geteuid(),
                                                ": chown it, or run the daemon as its owner"));
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return absl::FailedPreconditionError(
        StrCat(name, " may be written by others, who could plant blocks: chmod 0700 ", path));
  }
  if (::access(path.c_str(), R_OK | W_OK | X_OK) != 0) return Unavailable("no access", path, errno);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    names.push_back(it->path().filename().string());
  }
  if (error) return Unavailable("cannot list it", path, error.value());
  std::sort(names.begin(), names.end());
  return names;
}

uint64_t DirectoryBytes(const std::string& path) {
  uint64_t blocks = 0;
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return 0;
  blocks += static_cast<uint64_t>(info.st_blocks);
  std::error_code error;
  fs::recursive_directory_iterator it(path, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (::lstat(it->path().c_str(), &info) == 0) blocks += static_cast<uint64_t>(info.st_blocks);
  }
  return blocks * 512;
}

absl::Status RemoveTree(const std::string& path) {
  std::error_code error;
  fs::remove_all(path, error);
  if (error) return Unavailable("cannot remove it", path, error.value());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory) {
  const std::string path = StrCat(directory, "/LOCK.ssd");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return Unavailable("cannot make its lock file", directory, errno);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    ::close(fd);
    return absl::FailedPreconditionError(
        StrCat("ssd directory ", directory,
               " is in use by another process: stop it, or name another directory"));
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

}  // namespace halflife
