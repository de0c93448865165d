#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/hashing.h"

// Hand-written protobuf coding of the two messages that carry payload, GetResponse{frame} and
// PutRequest{header | frame}: payload is sent from and received as slices, never as a protobuf
// `bytes` copy. The bytes are those of the generated classes; tests compare both ways.

namespace halflife {

// State of one (block, part) in a Get, on its first frame.
enum class FrameStatus : uint8_t { kOk = 0, kMiss, kCorrupt, kUnavailable };

// The fields of a Frame besides its payload. Zero values are not on the wire.
struct FrameHead {
  uint32_t index = 0;  // block in the request's chain
  uint32_t part = 0;
  uint64_t offset = 0;                // of this piece in the block's payload
  uint64_t block_bytes = 0;           // whole payload; on the first frame
  std::optional<Digest128> checksum;  // on the first frame
  FrameStatus status = FrameStatus::kOk;

  friend bool operator==(const FrameHead&, const FrameHead&) = default;
};

// Pieces of bytes that follow each other, for example the slices of a grpc::ByteBuffer. Borrowed.
using ByteSpans = absl::InlinedVector<absl::Span<const uint8_t>, 4>;

struct Frame {
  FrameHead head;
  ByteSpans payload;  // points into the decoded spans; no empty piece
  size_t payload_bytes = 0;
};

// Large enough for every encoded head.
inline constexpr size_t kMaxFrameHeadBytes = 80;

// Bytes of a message head: everything before the payload, with the lengths of the messages round
// it.
struct EncodedHead {
  uint8_t bytes[kMaxFrameHeadBytes];
  size_t size = 0;

  absl::Span<const uint8_t> span() const { return {bytes, size}; }
};

// The message is these bytes followed by exactly `payload_bytes` bytes of payload.
EncodedHead EncodeGetResponse(const FrameHead& head, size_t payload_bytes);
EncodedHead EncodePutRequest(const FrameHead& head, size_t payload_bytes);
// The whole first message of a Put around a serialized PutHeader.
std::string EncodePutRequest(absl::Span<const uint8_t> serialized_header);

// Decodes without flattening: `Frame::payload` points into `message`. Accepts what the generated
// class accepts (any field order, unknown fields, repeated fields: the last wins, split messages
// are merged), but for
//  - a known field with another wire type, which protobuf would skip;
//  - integers above their field's range, which protobuf would truncate;
//  - a message above kMaxMessageBytes, a payload above kMaxFrameBytes, a checksum of other than 0
//  or 16 bytes.
// An unknown `status` decodes as kUnavailable: a miss to whoever reads it.
// Returns: kInvalidArgument naming what does not hold; a GetResponse without a frame is one of
// these.
absl::StatusOr<Frame> DecodeGetResponse(absl::Span<const absl::Span<const uint8_t>> message);

// A PutHeader as its serialized bytes (small, copied), a Frame, or neither.
using PutMessage = std::variant<std::monostate, std::string, Frame>;
absl::StatusOr<PutMessage> DecodePutRequest(absl::Span<const absl::Span<const uint8_t>> message);

}  // namespace halflife
