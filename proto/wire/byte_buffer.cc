#include "proto/wire/byte_buffer.h"

#include <utility>

#include "common/check.h"

namespace halflife {

MessageSpans::MessageSpans(const grpc::ByteBuffer& message) {
  // Fails only for a compressed message, which the servers and clients of this project refuse to
  // receive.
  if (!message.Valid() || !message.Dump(&slices_).ok()) return;
  for (const grpc::Slice& slice : slices_) {
    // Small slices hold their bytes in themselves: they must not move any more, and the vector's
    // buffer does not.
    if (slice.size() > 0) spans_.emplace_back(slice.begin(), slice.size());
  }
}

absl::Status ParseMessage(const grpc::ByteBuffer& bytes, google::protobuf::MessageLite& message) {
  const MessageSpans pieces(bytes);
  std::string joined;
  absl::Span<const uint8_t> flat;
  if (pieces.spans().size() == 1) {
    flat = pieces.spans()[0];
  } else {
    joined.reserve(bytes.Length());
    for (const absl::Span<const uint8_t> piece : pieces.spans()) joined.append(AsText(piece));
    flat = AsBytes(joined);
  }
  if (message.ParseFromArray(flat.data(), static_cast<int>(flat.size()))) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("malformed ", message.GetTypeName(), " of ", flat.size(), " bytes"));
}

grpc::ByteBuffer SerializeMessage(const google::protobuf::MessageLite& message) {
  const size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  HL_CHECK(message.SerializeToArray(const_cast<uint8_t*>(slice.begin()), static_cast<int>(size)));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer FrameMessage(const EncodedHead& head, grpc::Slice payload) {
  const grpc::Slice slices[2] = {grpc::Slice(head.bytes, head.size), std::move(payload)};
  return grpc::ByteBuffer(slices, 2);
}

grpc::ByteBuffer FrameMessage(const EncodedHead& head) {
  const grpc::Slice slice(head.bytes, head.size);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace halflife
