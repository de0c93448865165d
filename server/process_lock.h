#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/file_descriptor.h"

namespace halflife {

// Proof that no other halflifed uses a data directory or a socket path: an advisory lock on a file
// that holds the owner's pid. Ends with the process, however it ends; the file stays (removing it
// would race with the next owner).
class ProcessLock {
 public:
  // Returns: kAlreadyExists naming the holder's pid; kUnavailable if the file cannot be opened or
  // locked.
  static absl::StatusOr<ProcessLock> Acquire(const std::string& path);

 private:
  explicit ProcessLock(FileDescriptor file) : file_(std::move(file)) {}

  FileDescriptor file_;
};

// Finds out whether `address` ("127.0.0.1:50061") can be bound, before anything else is. gRPC alone
// would share the port with another daemon (SO_REUSEPORT) and each would get half of the
// connections. Returns: kAlreadyExists naming the holder's pid where it can be seen; kUnavailable
// for any other reason.
absl::Status CheckPortIsFree(const std::string& address);

}  // namespace halflife
