#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace halflife {

// The messages of the shared-memory handshake (docs/formats.md), one per packet of a Unix
// SOCK_SEQPACKET socket. Pure: no socket in here. All integers are little-endian.

// Names a session in gRPC calls. Random: whoever knows it is the client.
using SessionToken = std::array<uint8_t, 16>;

// What the daemon's answer says.
enum class HandshakeStatus : uint16_t {
  kOk = 0,
  kFull = 1,          // no session, or no memory for one, is left
  kRefused = 2,       // another user
  kMalformed = 3,     // or another version
  kNotShareable = 4,  // a file that cannot be a region
};
std::string_view HandshakeStatusName(HandshakeStatus status);

// Client: "open a session for me". No descriptor.
struct ShmHello {
  uint64_t staging_bytes = 0;  // wanted; 0 = will not put
};

// Daemon. Descriptors, if kOk: arena (read-only), generations (read-only) and, if staging_bytes is
// not 0, staging (writable). The session lives as long as the connection.
struct ShmWelcome {
  HandshakeStatus status = HandshakeStatus::kOk;
  SessionToken session{};
  uint64_t arena_bytes = 0;
  uint64_t generation_words = 0;
  uint64_t staging_bytes = 0;  // granted: as wanted or less, a multiple of 4096
};

// Client, on a connection of its own: "this is a line of that session" (proto/wire/shm_line.h). The
// daemon answers with an ack; both bring no descriptor.
struct ShmLineHello {
  SessionToken session{};
};

// Client, on a connection of its own, with one descriptor: "this file is a region of that session".
// The daemon answers with an ack that names it. The region is registered as long as the connection
// lives.
struct ShmRegionHello {
  SessionToken session{};
  uint64_t size_bytes = 0;
};
struct ShmRegionAck {
  HandshakeStatus status = HandshakeStatus::kOk;
  uint32_t region = 0;
};

std::vector<uint8_t> EncodeHello(const ShmHello& hello);
std::vector<uint8_t> EncodeWelcome(const ShmWelcome& welcome);
// Return: kInvalidArgument unless the bytes are exactly such a message of this version, within the
// limits of the format.
absl::StatusOr<ShmHello> DecodeHello(absl::Span<const uint8_t> bytes);
absl::StatusOr<ShmWelcome> DecodeWelcome(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> EncodeLineHello(const ShmLineHello& hello);
absl::StatusOr<ShmLineHello> DecodeLineHello(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> EncodeRegionHello(const ShmRegionHello& hello);
absl::StatusOr<ShmRegionHello> DecodeRegionHello(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> EncodeRegionAck(const ShmRegionAck& ack);
absl::StatusOr<ShmRegionAck> DecodeRegionAck(absl::Span<const uint8_t> bytes);
std::vector<uint8_t> EncodeAck(HandshakeStatus status);
absl::StatusOr<HandshakeStatus> DecodeAck(absl::Span<const uint8_t> bytes);

inline constexpr uint64_t kMaxStagingBytes = uint64_t{256} << 20;
inline constexpr uint64_t kMaxRegionBytes = uint64_t{1} << 46;
inline constexpr uint64_t kMaxGenerationWords = uint64_t{1} << 24;

// The name of the handshake's socket, which lies beside the main one.
std::string ShmSocketPath(std::string_view main_socket_path);
// `name` in the directory of the main socket. Returns: kInvalidArgument unless it is a plain file
// name and the result fits a socket address.
absl::StatusOr<std::string> SocketBeside(std::string_view main_socket_path, std::string_view name);

}  // namespace halflife
