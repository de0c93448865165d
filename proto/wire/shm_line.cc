#include "proto/wire/shm_line.h"

#include "common/endian.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

// call   = "HLLC" le32(method) le32(number) message
// answer = "HLLA" le32(number) le32(code)   body
constexpr uint32_t kCallMagic = 0x434c'4c48;
constexpr uint32_t kAnswerMagic = 0x414c'4c48;
constexpr size_t kHeadBytes = 12;
constexpr uint32_t kMaxCode = 16;  // UNAUTHENTICATED, the last one

std::string Head(uint32_t magic, uint32_t first, uint32_t second) {
  std::string packet(kHeadBytes, '\0');
  auto* const to = reinterpret_cast<uint8_t*>(packet.data());
  StoreLe32(to, magic);
  StoreLe32(to + 4, first);
  StoreLe32(to + 8, second);
  return packet;
}

std::string WithMessage(std::string packet, const google::protobuf::MessageLite& message) {
  if (!message.AppendToString(&packet) || packet.size() > kMaxLineBytes) return "";
  return packet;
}

absl::StatusOr<const uint8_t*> CheckHead(std::string_view packet, uint32_t magic) {
  const auto* const head = reinterpret_cast<const uint8_t*>(packet.data());
  if (packet.size() < kHeadBytes || packet.size() > kMaxLineBytes || LoadLe32(head) != magic) {
    return absl::InvalidArgumentError(
        absl::StrCat("shared memory line: a packet of ", packet.size(), " bytes"));
  }
  return head;
}

}  // namespace

std::string EncodeLineCall(LineMethod method, uint32_t number,
                           const google::protobuf::MessageLite& message) {
  return WithMessage(Head(kCallMagic, static_cast<uint32_t>(method), number), message);
}

std::string EncodeLineAnswer(uint32_t number, const google::protobuf::MessageLite& response) {
  return WithMessage(Head(kAnswerMagic, number, 0), response);
}

std::string EncodeLineFailure(uint32_t number, const absl::Status& status) {
  std::string packet = Head(kAnswerMagic, number, static_cast<uint32_t>(status.code()));
  packet += ToStd(status.message().substr(0, kMaxLineBytes - kHeadBytes));
  return packet;
}

absl::StatusOr<LineCall> DecodeLineCall(std::string_view packet) {
  HL_ASSIGN_OR_RETURN(const uint8_t* const head, CheckHead(packet, kCallMagic));
  const uint32_t method = LoadLe32(head + 4);
  if (method < static_cast<uint32_t>(LineMethod::kLeaseBlocks) ||
      method > static_cast<uint32_t>(LineMethod::kCopyBlocks)) {
    return absl::InvalidArgumentError(absl::StrCat("shared memory line: method ", method));
  }
  return LineCall{.method = static_cast<LineMethod>(method),
                  .number = LoadLe32(head + 8),
                  .message = packet.substr(kHeadBytes)};
}

absl::StatusOr<LineAnswer> DecodeLineAnswer(std::string_view packet) {
  HL_ASSIGN_OR_RETURN(const uint8_t* const head, CheckHead(packet, kAnswerMagic));
  const LineAnswer answer{
      .number = LoadLe32(head + 4), .code = LoadLe32(head + 8), .body = packet.substr(kHeadBytes)};
  if (answer.code > kMaxCode) {
    return absl::InvalidArgumentError(absl::StrCat("shared memory line: code ", answer.code));
  }
  return answer;
}

}  // namespace halflife
