#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "google/protobuf/message_lite.h"

namespace halflife {

// Calls of SharedMemoryService without gRPC's way between threads, which costs more than the call:
// on a connection of its own (ShmLineHello), one packet each way, the same messages, one call at a
// time (docs/formats.md). Pure: no socket in here.

enum class LineMethod : uint32_t { kLeaseBlocks = 1, kCommitBlocks = 2, kCopyBlocks = 3 };

// A packet is at most this long: 128 blocks are 4 KiB of hashes and 8 KiB of answers.
inline constexpr size_t kMaxLineBytes = size_t{64} << 10;

struct LineCall {
  LineMethod method = LineMethod::kLeaseBlocks;
  uint32_t number = 0;  // the answer has it too
  std::string_view message;
};

struct LineAnswer {
  uint32_t number = 0;
  uint32_t code = 0;      // of gRPC
  std::string_view body;  // code 0: the response; else a text for people
};

// Empty if it does not fit.
std::string EncodeLineCall(LineMethod method, uint32_t number,
                           const google::protobuf::MessageLite& message);
std::string EncodeLineAnswer(uint32_t number, const google::protobuf::MessageLite& response);
// The text is cut where it does not fit.
std::string EncodeLineFailure(uint32_t number, const absl::Status& status);

// What they return points into `packet`. Return: kInvalidArgument unless the bytes are such a
// packet; what is in message and body is for the parser.
absl::StatusOr<LineCall> DecodeLineCall(std::string_view packet);
absl::StatusOr<LineAnswer> DecodeLineAnswer(std::string_view packet);

}  // namespace halflife
