#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/file_descriptor.h"

namespace halflife {

// A listening, non-blocking socket. Bound here and not by gRPC, whose listener takes an existing
// Unix socket away from its server without a word, and stops accepting for good after running out
// of descriptors (CVE-2023-4785).
struct ListenSocket {
  FileDescriptor fd;
  bool tcp = false;
  std::string address;  // for messages
  int port = 0;         // bound TCP port
};

// Creates the socket with mode 0660 before anybody can connect. A file that is there already is
// removed if `remove_stale`. Returns: kFailedPrecondition if one is in the way, kUnavailable if it
// cannot be bound.
absl::StatusOr<ListenSocket> ListenUnix(const std::string& path, bool remove_stale);

// `address` is "host:port", numeric host, "[::1]:port" for IPv6. Never shares a port (no
// SO_REUSEPORT). Returns: kInvalidArgument if it does not parse, kUnavailable if it cannot be
// bound.
absl::StatusOr<ListenSocket> ListenTcp(const std::string& address);

}  // namespace halflife
