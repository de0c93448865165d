#include "proto/wire/frame_codec.h"

#include <cstring>
#include <limits>

#include "absl/strings/string_view.h"
#include "common/check.h"
#include "common/limits.h"
#include "common/status.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/wire_reader.h"

namespace halflife {
namespace {

using wire_internal::kBytes;
using wire_internal::kVarint;
using wire_internal::Tag;
using wire_internal::WireReader;

constexpr uint32_t kIndexField = v1::Frame::kIndexFieldNumber;
constexpr uint32_t kPartField = v1::Frame::kPartFieldNumber;
constexpr uint32_t kOffsetField = v1::Frame::kOffsetFieldNumber;
constexpr uint32_t kBlockBytesField = v1::Frame::kBlockBytesFieldNumber;
constexpr uint32_t kChecksumField = v1::Frame::kChecksumFieldNumber;
constexpr uint32_t kStatusField = v1::Frame::kStatusFieldNumber;
constexpr uint32_t kPayloadField = v1::Frame::kPayloadFieldNumber;
constexpr uint32_t kGetFrameField = v1::GetResponse::kFrameFieldNumber;
constexpr uint32_t kPutHeaderField = v1::PutRequest::kHeaderFieldNumber;
constexpr uint32_t kPutFrameField = v1::PutRequest::kFrameFieldNumber;

static_assert(kPayloadField <= 15 && kPutFrameField <= 15, "tags are taken to be one byte");

// --- Encoding

class HeadWriter {
 public:
  explicit HeadWriter(EncodedHead& out) : out_(out) {}

  void Tagged(uint32_t field, uint32_t type) { out_.bytes[out_.size++] = (field << 3) | type; }
  void Varint(uint64_t value) {
    while (value >= 0x80) {
      out_.bytes[out_.size++] = static_cast<uint8_t>(value | 0x80);
      value >>= 7;
    }
    out_.bytes[out_.size++] = static_cast<uint8_t>(value);
  }
  void VarintField(uint32_t field, uint64_t value) {
    if (value == 0) return;
    Tagged(field, kVarint);
    Varint(value);
  }
  void Raw(absl::Span<const uint8_t> bytes) {
    std::memcpy(out_.bytes + out_.size, bytes.data(), bytes.size());
    out_.size += bytes.size();
  }

 private:
  EncodedHead& out_;
};

// OK is written as 0: a reader treats unspecified and OK alike, and it saves two bytes in each
// frame.
uint64_t StatusNumber(FrameStatus status) {
  switch (status) {
    case FrameStatus::kOk:
      return v1::BLOCK_STATUS_UNSPECIFIED;
    case FrameStatus::kMiss:
      return v1::BLOCK_STATUS_MISS;
    case FrameStatus::kCorrupt:
      return v1::BLOCK_STATUS_CORRUPT;
    case FrameStatus::kUnavailable:
      break;
  }
  return v1::BLOCK_STATUS_UNAVAILABLE;
}

FrameStatus StatusOf(uint64_t number) {
  switch (number) {
    case v1::BLOCK_STATUS_UNSPECIFIED:
    case v1::BLOCK_STATUS_OK:
      return FrameStatus::kOk;
    case v1::BLOCK_STATUS_MISS:
      return FrameStatus::kMiss;
    case v1::BLOCK_STATUS_CORRUPT:
      return FrameStatus::kCorrupt;
    default:
      return FrameStatus::kUnavailable;
  }
}

EncodedHead EncodeFrame(uint32_t outer_field, const FrameHead& head, size_t payload_bytes) {
  EncodedHead fields;
  HeadWriter inner(fields);
  inner.VarintField(kIndexField, head.index);
  inner.VarintField(kPartField, head.part);
  inner.VarintField(kOffsetField, head.offset);
  inner.VarintField(kBlockBytesField, head.block_bytes);
  if (head.checksum) {
    inner.Tagged(kChecksumField, kBytes);
    inner.Varint(head.checksum->size());
    inner.Raw(*head.checksum);
  }
  inner.VarintField(kStatusField, StatusNumber(head.status));
  if (payload_bytes > 0) {
    inner.Tagged(kPayloadField, kBytes);
    inner.Varint(payload_bytes);
  }

  EncodedHead message;
  HeadWriter outer(message);
  outer.Tagged(outer_field, kBytes);
  outer.Varint(fields.size + payload_bytes);
  HL_CHECK(message.size + fields.size <= kMaxFrameHeadBytes);
  outer.Raw(fields.span());
  return message;
}

// --- Decoding

absl::Status Malformed(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("malformed message: ", what));
}

absl::Status RequireType(Tag tag, uint32_t type, absl::string_view name) {
  if (tag.type == type) return absl::OkStatus();
  return Malformed(absl::StrCat(name, " has wire type ", tag.type, ", expected ", type));
}

absl::Status ReadInteger(WireReader& reader, Tag tag, absl::string_view name, uint64_t max,
                         uint64_t& out) {
  HL_RETURN_IF_ERROR(RequireType(tag, kVarint, name));
  const std::optional<uint64_t> value = reader.ReadVarint();
  if (!value) return Malformed(absl::StrCat(name, " is not a whole varint"));
  if (*value > max) return Malformed(absl::StrCat(name, " is ", *value, ", at most ", max));
  out = *value;
  return absl::OkStatus();
}

absl::Status ReadUint32(WireReader& reader, Tag tag, absl::string_view name, uint32_t& out) {
  uint64_t wide = 0;
  HL_RETURN_IF_ERROR(ReadInteger(reader, tag, name, std::numeric_limits<uint32_t>::max(), wide));
  out = static_cast<uint32_t>(wide);
  return absl::OkStatus();
}

absl::Status ReadChecksum(WireReader& reader, Tag tag, std::optional<Digest128>& out) {
  HL_RETURN_IF_ERROR(RequireType(tag, kBytes, "frame.checksum"));
  const std::optional<size_t> length = reader.ReadLength();
  if (!length) return Malformed("frame.checksum is cut off");
  if (*length != 0 && *length != sizeof(Digest128)) {
    return Malformed(absl::StrCat("frame.checksum has ", *length, " bytes, expected 16"));
  }
  out.reset();
  if (*length > 0) HL_CHECK(reader.ReadInto(absl::MakeSpan(out.emplace())));
  return absl::OkStatus();
}

absl::Status ReadPayload(WireReader& reader, Tag tag, Frame& frame) {
  HL_RETURN_IF_ERROR(RequireType(tag, kBytes, "frame.payload"));
  const std::optional<size_t> length = reader.ReadLength();
  if (!length) return Malformed("frame.payload is cut off");
  if (*length > kMaxFrameBytes) {
    return absl::InvalidArgumentError(
        absl::StrCat("frame.payload has ", *length, " bytes, at most ", kMaxFrameBytes));
  }
  frame.payload = *reader.ReadSpans(*length);
  frame.payload_bytes = *length;
  return absl::OkStatus();
}

absl::Status ReadFrameField(WireReader& reader, Tag tag, Frame& frame) {
  FrameHead& head = frame.head;
  constexpr uint64_t kNoMax = std::numeric_limits<uint64_t>::max();
  switch (tag.field) {
    case kIndexField:
      return ReadUint32(reader, tag, "frame.index", head.index);
    case kPartField:
      return ReadUint32(reader, tag, "frame.part", head.part);
    case kOffsetField:
      return ReadInteger(reader, tag, "frame.offset", kNoMax, head.offset);
    case kBlockBytesField:
      return ReadInteger(reader, tag, "frame.block_bytes", kNoMax, head.block_bytes);
    case kChecksumField:
      return ReadChecksum(reader, tag, head.checksum);
    case kStatusField: {
      uint64_t number = 0;
      HL_RETURN_IF_ERROR(ReadInteger(reader, tag, "frame.status", kNoMax, number));
      head.status = StatusOf(number);
      return absl::OkStatus();
    }
    case kPayloadField:
      return ReadPayload(reader, tag, frame);
    default:
      return reader.SkipValue(tag) ? absl::OkStatus() : Malformed("an unknown field in frame");
  }
}

// Merges one embedded Frame into `frame`, as protobuf does when a message field is repeated.
absl::Status MergeFrame(WireReader& reader, Tag outer_tag, Frame& frame) {
  HL_RETURN_IF_ERROR(RequireType(outer_tag, kBytes, "frame"));
  const std::optional<size_t> length = reader.ReadLength();
  if (!length) return Malformed("frame is cut off");
  const size_t outer = reader.PushLimit(*length);
  while (reader.left() > 0) {
    const std::optional<Tag> tag = reader.ReadTag();
    if (!tag) return Malformed("a tag in frame");
    HL_RETURN_IF_ERROR(ReadFrameField(reader, *tag, frame));
  }
  reader.PopLimit(outer);
  return absl::OkStatus();
}

absl::Status MergeHeader(WireReader& reader, Tag tag, std::string& header) {
  HL_RETURN_IF_ERROR(RequireType(tag, kBytes, "header"));
  const std::optional<size_t> length = reader.ReadLength();
  if (!length) return Malformed("header is cut off");
  // Serialized messages merge by being written one after the other.
  const size_t before = header.size();
  header.resize(before + *length);
  HL_CHECK(reader.ReadInto({reinterpret_cast<uint8_t*>(header.data()) + before, *length}));
  return absl::OkStatus();
}

absl::Status CheckSize(const WireReader& reader) {
  if (reader.left() <= kMaxMessageBytes) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("message has ", reader.left(), " bytes, at most ", kMaxMessageBytes));
}

// The alternative T of `message`, made empty first if another one was set: the last member of a
// oneof wins.
template <typename T>
T& Alternative(PutMessage& message) {
  if (!std::holds_alternative<T>(message)) message.emplace<T>();
  return std::get<T>(message);
}

}  // namespace

EncodedHead EncodeGetResponse(const FrameHead& head, size_t payload_bytes) {
  return EncodeFrame(kGetFrameField, head, payload_bytes);
}

EncodedHead EncodePutRequest(const FrameHead& head, size_t payload_bytes) {
  return EncodeFrame(kPutFrameField, head, payload_bytes);
}

std::string EncodePutRequest(absl::Span<const uint8_t> serialized_header) {
  EncodedHead head;
  HeadWriter writer(head);
  writer.Tagged(kPutHeaderField, kBytes);
  writer.Varint(serialized_header.size());
  std::string message(AsText(head.span()));
  message.append(AsText(serialized_header));
  return message;
}

absl::StatusOr<Frame> DecodeGetResponse(absl::Span<const absl::Span<const uint8_t>> message) {
  WireReader reader(message);
  HL_RETURN_IF_ERROR(CheckSize(reader));
  std::optional<Frame> frame;
  while (reader.left() > 0) {
    const std::optional<Tag> tag = reader.ReadTag();
    if (!tag) return Malformed("a tag");
    if (tag->field == kGetFrameField) {
      if (!frame) frame.emplace();
      HL_RETURN_IF_ERROR(MergeFrame(reader, *tag, *frame));
    } else if (!reader.SkipValue(*tag)) {
      return Malformed("an unknown field");
    }
  }
  if (!frame) return Malformed("no frame in it");
  return *std::move(frame);
}

absl::StatusOr<PutMessage> DecodePutRequest(absl::Span<const absl::Span<const uint8_t>> message) {
  WireReader reader(message);
  HL_RETURN_IF_ERROR(CheckSize(reader));
  PutMessage put;
  while (reader.left() > 0) {
    const std::optional<Tag> tag = reader.ReadTag();
    if (!tag) return Malformed("a tag");
    if (tag->field == kPutHeaderField) {
      HL_RETURN_IF_ERROR(MergeHeader(reader, *tag, Alternative<std::string>(put)));
    } else if (tag->field == kPutFrameField) {
      HL_RETURN_IF_ERROR(MergeFrame(reader, *tag, Alternative<Frame>(put)));
    } else if (!reader.SkipValue(*tag)) {
      return Malformed("an unknown field");
    }
  }
  return put;
}

}  // namespace halflife
