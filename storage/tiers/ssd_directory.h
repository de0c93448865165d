#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halflife {

// Makes `path` with mode 0700 if it is missing, then checks that it is a directory of ours that
// nobody else may write. Returns: kFailedPrecondition with a remedy (not a directory, a link, wrong
// owner, writable by others), kResourceExhausted if the file system is too full to make it,
// kUnavailable if it cannot be made or written.
absl::Status MakePrivateDirectory(const std::string& path);

// Names in `path` without "." and "..", sorted. Returns: kUnavailable.
absl::StatusOr<std::vector<std::string>> ListDirectory(const std::string& path);

// Bytes that the files under `path` take on the file system (blocks, not lengths); 0 if it is not
// there.
uint64_t DirectoryBytes(const std::string& path);

// Removes `path` and what is below it. Returns: kUnavailable if something is left.
absl::Status RemoveTree(const std::string& path);

// Holds the data directory for this process: a second one would quarantine the first one's open
// databases.
class DirectoryLock {
 public:
  // Returns: kFailedPrecondition if another process holds it, kUnavailable if it cannot be made.
  static absl::StatusOr<std::unique_ptr<DirectoryLock>> Take(const std::string& directory);
  ~DirectoryLock();
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  explicit DirectoryLock(int fd) : fd_(fd) {}
  const int fd_;
};

}  // namespace halflife
