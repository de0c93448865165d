#include "proto/wire/shm_handshake.h"

#include <sys/un.h>

#include <algorithm>
#include <bit>

#include "common/endian.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr uint32_t kMagic = 0x4d53'4c48;  // "HLSM"
constexpr uint8_t kVersion = 1;
constexpr uint64_t kPageBytes = 4096;
// Two thirds of what x86-64 gives a process.
constexpr uint64_t kMaxArenaBytes = uint64_t{1} << 46;

enum class MessageType : uint8_t {
  kHello = 1,
  kWelcome = 2,
  kLineHello = 3,
  kAck = 4,
  kRegionHello = 5,
  kRegionAck = 6
};

// head = magic u32, version u8, type u8, status u16
constexpr size_t kHeadBytes = 8;
constexpr size_t kHelloBytes = kHeadBytes + 8;
constexpr size_t kLineHelloBytes = kHeadBytes + 16;
constexpr size_t kRegionHelloBytes = kHeadBytes + 16 + 8;
constexpr size_t kRegionAckBytes = kHeadBytes + 4;
constexpr size_t kWelcomeBytes = kHeadBytes + 16 + 3 * 8;

std::vector<uint8_t> NewMessage(MessageType type, HandshakeStatus status, size_t size) {
  std::vector<uint8_t> bytes(size);
  StoreLe32(bytes.data(), kMagic);
  bytes[4] = kVersion;
  bytes[5] = static_cast<uint8_t>(type);
  StoreLe16(bytes.data() + 6, static_cast<uint16_t>(status));
  return bytes;
}

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("shared memory handshake: ", what));
}

absl::Status CheckHead(absl::Span<const uint8_t> bytes, MessageType type, size_t size) {
  if (bytes.size() != size) {
    return Malformed(absl::StrCat(bytes.size(), " bytes, expected ", size));
  }
  if (LoadLe32(bytes.data()) != kMagic) return Malformed("not one of ours");
  if (bytes[4] != kVersion) return Malformed(absl::StrCat("version ", bytes[4]));
  if (bytes[5] != static_cast<uint8_t>(type)) return Malformed(absl::StrCat("type ", bytes[5]));
  return absl::OkStatus();
}

absl::StatusOr<HandshakeStatus> StatusOf(absl::Span<const uint8_t> bytes) {
  const uint16_t status = LoadLe16(bytes.data() + 6);
  if (status > static_cast<uint16_t>(HandshakeStatus::kNotShareable)) {
    return Malformed(absl::StrCat("status ", status));
  }
  return static_cast<HandshakeStatus>(status);
}

absl::Status CheckQuestion(absl::Span<const uint8_t> bytes) {
  return LoadLe16(bytes.data() + 6) == 0 ? absl::OkStatus() : Malformed("a status in a question");
}

}  // namespace

std::string_view HandshakeStatusName(HandshakeStatus status) {
  switch (status) {
    case HandshakeStatus::kOk:
      return "ok";
    case HandshakeStatus::kFull:
      return "full";
    case HandshakeStatus::kRefused:
      return "refused";
    case HandshakeStatus::kMalformed:
      return "malformed";
    case HandshakeStatus::kNotShareable:
      return "not shareable";
  }
  return "unknown";
}

std::vector<uint8_t> EncodeHello(const ShmHello& hello) {
  std::vector<uint8_t> bytes = NewMessage(MessageType::kHello, HandshakeStatus::kOk, kHelloBytes);
  StoreLe64(bytes.data() + kHeadBytes, hello.staging_bytes);
  return bytes;
}

std::vector<uint8_t> EncodeWelcome(const ShmWelcome& welcome) {
  std::vector<uint8_t> bytes = NewMessage(MessageType::kWelcome, welcome.status, kWelcomeBytes);
  uint8_t* to = bytes.data() + kHeadBytes;
  to = std::copy(welcome.session.begin(), welcome.session.end(), to);
  StoreLe64(to, welcome.arena_bytes);
  StoreLe64(to + 8, welcome.generation_words);
  StoreLe64(to + 16, welcome.staging_bytes);
  return bytes;
}

absl::StatusOr<ShmHello> DecodeHello(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kHello, kHelloBytes));
  HL_RETURN_IF_ERROR(CheckQuestion(bytes));
  return ShmHello{.staging_bytes = LoadLe64(bytes.data() + kHeadBytes)};
}

std::vector<uint8_t> EncodeLineHello(const ShmLineHello& hello) {
  std::vector<uint8_t> bytes =
      NewMessage(MessageType::kLineHello, HandshakeStatus::kOk, kLineHelloBytes);
  std::copy(hello.session.begin(), hello.session.end(), bytes.data() + kHeadBytes);
  return bytes;
}

absl::StatusOr<ShmLineHello> DecodeLineHello(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kLineHello, kLineHelloBytes));
  HL_RETURN_IF_ERROR(CheckQuestion(bytes));
  ShmLineHello hello;
  std::copy_n(bytes.data() + kHeadBytes, hello.session.size(), hello.session.begin());
  return hello;
}

std::vector<uint8_t> EncodeRegionHello(const ShmRegionHello& hello) {
  std::vector<uint8_t> bytes =
      NewMessage(MessageType::kRegionHello, HandshakeStatus::kOk, kRegionHelloBytes);
  uint8_t* const to =
      std::copy(hello.session.begin(), hello.session.end(), bytes.data() + kHeadBytes);
  StoreLe64(to, hello.size_bytes);
  return bytes;
}

absl::StatusOr<ShmRegionHello> DecodeRegionHello(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kRegionHello, kRegionHelloBytes));
  HL_RETURN_IF_ERROR(CheckQuestion(bytes));
  ShmRegionHello hello;
  std::copy_n(bytes.data() + kHeadBytes, hello.session.size(), hello.session.begin());
  hello.size_bytes = LoadLe64(bytes.data() + kHeadBytes + hello.session.size());
  if (hello.size_bytes == 0 || hello.size_bytes > kMaxRegionBytes) {
    return Malformed(absl::StrCat("a region of ", hello.size_bytes, " bytes"));
  }
  return hello;
}

std::vector<uint8_t> EncodeRegionAck(const ShmRegionAck& ack) {
  std::vector<uint8_t> bytes = NewMessage(MessageType::kRegionAck, ack.status, kRegionAckBytes);
  StoreLe32(bytes.data() + kHeadBytes, ack.region);
  return bytes;
}

absl::StatusOr<ShmRegionAck> DecodeRegionAck(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kRegionAck, kRegionAckBytes));
  ShmRegionAck ack;
  HL_ASSIGN_OR_RETURN(ack.status, StatusOf(bytes));
  ack.region = LoadLe32(bytes.data() + kHeadBytes);
  return ack;
}

std::vector<uint8_t> EncodeAck(HandshakeStatus status) {
  return NewMessage(MessageType::kAck, status, kHeadBytes);
}

absl::StatusOr<HandshakeStatus> DecodeAck(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kAck, kHeadBytes));
  return StatusOf(bytes);
}

absl::StatusOr<ShmWelcome> DecodeWelcome(absl::Span<const uint8_t> bytes) {
  HL_RETURN_IF_ERROR(CheckHead(bytes, MessageType::kWelcome, kWelcomeBytes));
  ShmWelcome welcome;
  HL_ASSIGN_OR_RETURN(welcome.status, StatusOf(bytes));
  const uint8_t* from = bytes.data() + kHeadBytes;
  std::copy_n(from, welcome.session.size(), welcome.session.begin());
  welcome.arena_bytes = LoadLe64(from + 16);
  welcome.generation_words = LoadLe64(from + 24);
  welcome.staging_bytes = LoadLe64(from + 32);
  if (welcome.status != HandshakeStatus::kOk) return welcome;
  if (welcome.arena_bytes == 0 || welcome.arena_bytes > kMaxArenaBytes ||
      welcome.arena_bytes % kPageBytes != 0) {
    return Malformed(absl::StrCat("an arena of ", welcome.arena_bytes, " bytes"));
  }
  if (!std::has_single_bit(welcome.generation_words) ||
      welcome.generation_words > kMaxGenerationWords) {
    return Malformed(absl::StrCat(welcome.generation_words, " generation words"));
  }
  if (welcome.staging_bytes > kMaxStagingBytes || welcome.staging_bytes % kPageBytes != 0) {
    return Malformed(absl::StrCat(welcome.staging_bytes, " bytes of staging memory"));
  }
  return welcome;
}

std::string ShmSocketPath(std::string_view main_socket_path) {
  return StrCat(main_socket_path, ".shm");
}

absl::StatusOr<std::string> SocketBeside(std::string_view main_socket_path, std::string_view name) {
  if (name.empty() || name.find('/') != std::string_view::npos ||
      name.find('\0') != std::string_view::npos) {
    return Malformed(ToAbsl(StrCat("\"", name, "\" is not a file name")));
  }
  const size_t slash = main_socket_path.rfind('/');
  const std::string_view directory =
      main_socket_path.substr(0, slash == std::string_view::npos ? 0 : slash + 1);
  std::string path = StrCat(directory, name);
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return Malformed(absl::StrCat("a socket path of ", path.size(), " bytes"));
  }
  return path;
}

}  // namespace halflife
