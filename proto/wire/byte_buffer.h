#pragma once

#include <string>
#include <vector>

#include <google/protobuf/message_lite.h>
#include <grpcpp/support/byte_buffer.h>
#include "absl/status/statusor.h"
#include "proto/wire/frame_codec.h"

namespace halflife {

// The slices of a received message as spans. Keeps the bytes alive as long as it lives; move-only,
// because the spans point into it. Not thread-safe.
class MessageSpans {
 public:
  explicit MessageSpans(const grpc::ByteBuffer& message);
  MessageSpans(MessageSpans&&) = default;
  MessageSpans& operator=(MessageSpans&&) = default;

  absl::Span<const absl::Span<const uint8_t>> spans() const { return spans_; }

 private:
  std::vector<grpc::Slice> slices_;
  ByteSpans spans_;
};

// Parses a small message (a copy if it came in several slices). Returns: kInvalidArgument if it
// does not parse.
absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message);
grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message);

// A message made of an encoded head and a payload slice, neither copied but for the head.
grpc::ByteBuffer FrameMessage(const EncodedHead& head, grpc::Slice payload);
grpc::ByteBuffer FrameMessage(const EncodedHead& head);

}  // namespace halflife
