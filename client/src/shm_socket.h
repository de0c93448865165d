#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "common/file_descriptor.h"
#include "proto/wire/descriptor_passing.h"

namespace halflife::client {

// A connection to the door of a daemon's shared memory. Does not wait. Returns: kInvalidArgument
// for a path that is too long, kUnavailable if nobody is there or the backlog is full.
absl::StatusOr<FileDescriptor> ConnectToDoor(const std::string& path);
// The next packet. Returns: kUnavailable if none came; whatever ReceiveMessage returns.
absl::StatusOr<PassedMessage> AwaitMessage(int connection, int milliseconds);

}  // namespace halflife::client
