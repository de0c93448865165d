#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/file_descriptor.h"

namespace halflife {

inline constexpr size_t kMaxPassedDescriptors = 4;
inline constexpr size_t kMaxHandshakeBytes = 64;

// One message of a SOCK_SEQPACKET socket, with the descriptors that came along.
struct PassedMessage {
  std::vector<uint8_t> bytes;  // empty: the peer has closed
  std::vector<FileDescriptor> descriptors;
};

// Neither waits: the sockets are non-blocking.
// Returns: kUnavailable if the peer is gone or does not read.
absl::Status SendMessage(int socket, absl::Span<const uint8_t> bytes,
                         absl::Span<const int> descriptors);
// Returns: kUnavailable if nothing is there yet, kInvalidArgument for a message that is too long or
// brings too many descriptors (they are closed), kAborted if the socket is broken.
absl::StatusOr<PassedMessage> ReceiveMessage(int socket);

}  // namespace halflife
