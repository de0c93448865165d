#include "proto/wire/frame_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "common/limits.h"
#include "halflife/v1/cache.pb.h"

namespace halflife {
namespace {

using Pieces = std::vector<absl::Span<const uint8_t>>;

std::string Join(const EncodedHead& head, const std::string& payload) {
  return std::string(AsText(head.span())) + payload;
}

// The frame points into the decoded bytes, which must still live.
std::string PayloadOf(const Frame& frame) {
  std::string joined;
  for (const absl::Span<const uint8_t> piece : frame.payload) joined.append(AsText(piece));
  return joined;
}

absl::StatusOr<Frame> DecodeGet(const std::string& bytes) {
  return DecodeGetResponse(Pieces{AsBytes(bytes)});
}

absl::StatusOr<PutMessage> DecodePut(const std::string& bytes) {
  return DecodePutRequest(Pieces{AsBytes(bytes)});
}

FrameHead FirstFrame() {
  FrameHead head;
  head.index = 300;
  head.part = 2;
  head.block_bytes = uint64_t{1} << 27;
  head.checksum.emplace();
  for (size_t i = 0; i < 16; ++i) (*head.checksum)[i] = static_cast<uint8_t>(0xf0 + i);
  return head;
}

v1::Frame ToProto(const FrameHead& head, const std::string& payload) {
  v1::Frame frame;
  frame.set_index(head.index);
  frame.set_part(head.part);
  frame.set_offset(head.offset);
  frame.set_block_bytes(head.block_bytes);
  if (head.checksum) frame.set_checksum(std::string(AsText(*head.checksum)));
  if (head.status != FrameStatus::kOk) {
    frame.set_status(static_cast<v1::BlockStatus>(static_cast<int>(head.status) + 1));
  }
  frame.set_payload(payload);
  return frame;
}

void ExpectSame(const Frame& decoded, const FrameHead& head, const std::string& payload) {
  EXPECT_EQ(decoded.head, head);
  EXPECT_EQ(decoded.payload_bytes, payload.size());
  EXPECT_EQ(PayloadOf(decoded), payload);
}

// Small and boundary values of every field, seeded.
class RandomFrames {
 public:
  explicit RandomFrames(uint64_t seed) : random_(seed) {}

  uint64_t Integer(int bits) { return random_() >> (64 - 1 - random_() % bits); }
  bool Coin() { return random_() % 2 == 0; }
  std::string Bytes(size_t size) {
    std::string bytes(size, '\0');
    for (char& byte : bytes) byte = static_cast<char>(random_());
    return bytes;
  }
  std::string Payload() { return Coin() ? "" : Bytes(random_() % 400); }
  FrameHead Head() {
    FrameHead head;
    if (Coin()) head.index = static_cast<uint32_t>(Integer(32));
    if (Coin()) head.part = static_cast<uint32_t>(Integer(32));
    if (Coin()) head.offset = Integer(64);
    if (Coin()) head.block_bytes = Integer(64);
    if (Coin()) {
      head.checksum.emplace();
      for (uint8_t& byte : *head.checksum) byte = static_cast<uint8_t>(random_());
    }
    head.status = static_cast<FrameStatus>(random_() % 4);
    return head;
  }
  uint64_t Next() { return random_(); }

 private:
  std::mt19937_64 random_;
};

TEST(FrameCodec, EncodesExactlyTheBytesOfTheGeneratedClasses) {
  RandomFrames random(1);
  for (int i = 0; i < 2000; ++i) {
    const FrameHead head = random.Head();
    const std::string payload = random.Payload();

    v1::GetResponse response;
    *response.mutable_frame() = ToProto(head, payload);
    v1::PutRequest request;
    *request.mutable_frame() = response.frame();

    ASSERT_EQ(Join(EncodeGetResponse(head, payload.size()), payload), response.SerializeAsString())
        << i;
    ASSERT_EQ(Join(EncodePutRequest(head, payload.size()), payload), request.SerializeAsString())
        << i;
  }
}

TEST(FrameCodec, DecodesWhatTheGeneratedClassesWriteAndViceVersa) {
  RandomFrames random(2);
  for (int i = 0; i < 2000; ++i) {
    const FrameHead head = random.Head();
    const std::string payload = random.Payload();
    v1::GetResponse response;
    *response.mutable_frame() = ToProto(head, payload);

    const std::string bytes = response.SerializeAsString();
    const absl::StatusOr<Frame> decoded = DecodeGet(bytes);

    ASSERT_TRUE(decoded.ok()) << decoded.status();
    ExpectSame(*decoded, head, payload);
    v1::GetResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(Join(EncodeGetResponse(head, payload.size()), payload)));
    EXPECT_EQ(parsed.SerializeAsString(), response.SerializeAsString());
  }
}

TEST(FrameCodec, TheLargestHeadFits) {
  FrameHead head = FirstFrame();
  head.index = head.part = ~uint32_t{0};
  head.offset = head.block_bytes = ~uint64_t{0};
  head.status = FrameStatus::kUnavailable;

  EXPECT_LE(EncodePutRequest(head, kMaxMessageBytes).size, kMaxFrameHeadBytes);
}

TEST(FrameCodec, AnExplicitOkIsTheSameAsNoStatus) {
  v1::GetResponse response;
  response.mutable_frame()->set_status(v1::BLOCK_STATUS_OK);

  EXPECT_EQ(DecodeGet(response.SerializeAsString())->head.status, FrameStatus::kOk);
}

TEST(FrameCodec, AStatusFromTheFutureIsReadAsUnavailable) {
  v1::GetResponse response;
  response.mutable_frame()->set_status(static_cast<v1::BlockStatus>(77));
  EXPECT_EQ(DecodeGet(response.SerializeAsString())->head.status, FrameStatus::kUnavailable);

  response.mutable_frame()->set_status(static_cast<v1::BlockStatus>(-1));
  EXPECT_EQ(DecodeGet(response.SerializeAsString())->head.status, FrameStatus::kUnavailable);
}

TEST(FrameCodec, DecodesAcrossAnySplitOfTheMessage) {
  const FrameHead head = FirstFrame();
  const std::string payload = "payload that is cut in two and in three";
  const std::string whole = Join(EncodePutRequest(head, payload.size()), payload);
  const absl::Span<const uint8_t> bytes = AsBytes(whole);

  for (size_t i = 0; i <= whole.size(); ++i) {
    for (size_t j = i; j <= whole.size(); ++j) {
      const Pieces pieces = {bytes.subspan(0, i), bytes.subspan(i, j - i), bytes.subspan(j)};
      const absl::StatusOr<PutMessage> decoded = DecodePutRequest(pieces);
      ASSERT_TRUE(decoded.ok()) << i << " " << j << " " << decoded.status();
      ExpectSame(std::get<Frame>(*decoded), head, payload);
    }
  }
}

TEST(FrameCodec, PayloadIsNotCopied) {
  const std::string payload(1000, 'x');
  const EncodedHead head = EncodeGetResponse(FirstFrame(), payload.size());

  const absl::StatusOr<Frame> decoded = DecodeGetResponse(Pieces{head.span(), AsBytes(payload)});

  ASSERT_TRUE(decoded.ok());
  ASSERT_EQ(decoded->payload.size(), 1);
  EXPECT_EQ(decoded->payload[0].data(), AsBytes(payload).data());
}

TEST(FrameCodec, EveryTruncationIsRefusedOrDecodesAsProtobufWould) {
  const std::string payload = "0123456789";
  const std::string whole = Join(EncodeGetResponse(FirstFrame(), payload.size()), payload);

  for (size_t size = 0; size < whole.size(); ++size) {
    const absl::StatusOr<Frame> decoded = DecodeGet(whole.substr(0, size));
    ASSERT_FALSE(decoded.ok()) << size;
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST(FrameCodec, UnknownFieldsOfEveryKindAreSkipped) {
  v1::GetResponse response;
  *response.mutable_frame() = ToProto(FirstFrame(), "bytes");
  auto* unknown =
      response.mutable_frame()->GetReflection()->MutableUnknownFields(response.mutable_frame());
  unknown->AddVarint(100, ~uint64_t{0});
  unknown->AddFixed32(101, 1);
  unknown->AddFixed64(102, 2);
  unknown->AddLengthDelimited(103, "text");
  unknown->AddGroup(104)->AddGroup(105)->AddLengthDelimited(106, "deep");
  response.GetReflection()->MutableUnknownFields(&response)->AddVarint(200, 5);

  const std::string bytes = response.SerializeAsString();
  const absl::StatusOr<Frame> decoded = DecodeGet(bytes);

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  ExpectSame(*decoded, FirstFrame(), "bytes");
}

TEST(FrameCodec, AFieldAfterThePayloadAndARepeatedFrameAreMergedAsInProtobuf) {
  v1::GetResponse first, second;
  *first.mutable_frame() = ToProto(FirstFrame(), "first payload");
  second.mutable_frame()->set_index(7);
  second.mutable_frame()->set_payload("second");
  const std::string both = first.SerializeAsString() + second.SerializeAsString();
  v1::GetResponse merged;
  ASSERT_TRUE(merged.ParseFromString(both));

  const absl::StatusOr<Frame> decoded = DecodeGet(both);

  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->head.index, merged.frame().index());
  EXPECT_EQ(decoded->head.block_bytes, merged.frame().block_bytes());
  EXPECT_EQ(PayloadOf(*decoded), merged.frame().payload());
}

TEST(FrameCodec, TheLastMemberOfTheOneofWins) {
  v1::PutRequest with_header, with_frame;
  with_header.mutable_header()->set_namespace_id("ns");
  with_frame.mutable_frame()->set_index(9);
  const std::string header_last = with_frame.SerializeAsString() + with_header.SerializeAsString();
  const std::string frame_last = with_header.SerializeAsString() + with_frame.SerializeAsString();

  const absl::StatusOr<PutMessage> header = DecodePut(header_last);
  const absl::StatusOr<PutMessage> frame = DecodePut(frame_last);

  ASSERT_TRUE(header.ok() && std::holds_alternative<std::string>(*header));
  EXPECT_EQ(std::get<std::string>(*header), with_header.header().SerializeAsString());
  ASSERT_TRUE(frame.ok() && std::holds_alternative<Frame>(*frame));
  EXPECT_EQ(std::get<Frame>(*frame).head.index, 9);
}

TEST(FrameCodec, AHeaderIsWrappedAsTheGeneratedClassDoesItAndTwoOfThemMerge) {
  v1::PutRequest request;
  request.mutable_header()->set_namespace_id(std::string(32, 'n'));
  request.mutable_header()->mutable_chain()->set_hashes(std::string(128 * 32, 'h'));

  const std::string wrapped = EncodePutRequest(AsBytes(request.header().SerializeAsString()));
  EXPECT_EQ(wrapped, request.SerializeAsString());

  const absl::StatusOr<PutMessage> twice = DecodePut(wrapped + wrapped);
  v1::PutHeader merged;
  ASSERT_TRUE(twice.ok() && merged.ParseFromString(std::get<std::string>(*twice)));
  EXPECT_EQ(merged.SerializeAsString(), [&] {
    v1::PutRequest parsed;
    EXPECT_TRUE(parsed.ParseFromString(wrapped + wrapped));
    return parsed.header().SerializeAsString();
  }());
}

TEST(FrameCodec, AnEmptyMessageIsNoPutMessageAndNoGetResponse) {
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*DecodePutRequest({})));
  EXPECT_FALSE(DecodeGetResponse({}).ok());
}

TEST(FrameCodec, PayloadAndMessageLimitsHoldAtMinusOneZeroAndPlusOne) {
  for (const size_t size : {kMaxFrameBytes - 1, kMaxFrameBytes}) {
    EXPECT_TRUE(DecodeGet(Join(EncodeGetResponse({}, size), std::string(size, 'p'))).ok()) << size;
  }
  const size_t above = kMaxFrameBytes + 1;
  const absl::StatusOr<Frame> refused =
      DecodeGet(Join(EncodeGetResponse({}, above), std::string(above, 'p')));
  EXPECT_EQ(refused.status().message(), "frame.payload has 2097153 bytes, at most 2097152");

  // An unknown field (tag 0x7a, bytes) with a length of four varint bytes fills the message.
  for (const int delta : {-1, 0, 1}) {
    const size_t rest = kMaxMessageBytes + delta - 5;
    std::string message = {'\x7a', static_cast<char>(rest | 0x80),
                           static_cast<char>(rest >> 7 | 0x80),
                           static_cast<char>(rest >> 14 | 0x80), static_cast<char>(rest >> 21)};
    message.append(rest, 'u');
    EXPECT_EQ(DecodePut(message).ok(), delta <= 0) << delta;
  }
}

struct BadMessage {
  const char* what;
  std::string bytes;
};

TEST(FrameCodec, MalformedBytesAreRefused) {
  using namespace std::string_literals;
  const std::vector<BadMessage> bad = {
      {"frame with wire type varint", "\x08\x01"s},
      {"field number 0", "\x02\x00"s},
      {"tag of six bytes", "\x8a\x80\x80\x80\x80\x00\x00"s},
      {"wire type 7", "\x0f"s},
      {"end of a group never started", "\x0c"s},
      {"group that never ends", "\x23\x08\x01"s},
      {"group ended by another", "\x23\x2c"s},
      {"frame longer than the message", "\x0a\x05\x08\x01"s},
      {"length of 2^63", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\x7f"s},
      {"varint of eleven bytes", "\x0a\x0c\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s},
      {"varint above 64 bits", "\x0a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"s},
      {"index above 32 bits", "\x0a\x06\x08\x80\x80\x80\x80\x10"s},
      {"index as bytes", "\x0a\x02\x0a\x00"s},
      {"payload as varint", "\x0a\x02\x78\x00"s},
      {"checksum of 15 bytes", "\x0a\x11\x2a\x0f"s + std::string(15, 'c')},
      {"checksum of 17 bytes", "\x0a\x13\x2a\x11"s + std::string(17, 'c')},
      {"payload beyond its frame",
       "\x0a\x02\x7a\x04"
       "abcd"s},
      {"field cut by its frame", "\x0a\x01\x08\x01"s},
  };
  for (const BadMessage& message : bad) {
    const absl::StatusOr<Frame> decoded = DecodeGet(message.bytes);
    EXPECT_EQ(decoded.status().code(), absl::StatusCode::kInvalidArgument) << message.what;
  }
}

TEST(FrameCodec, WhateverIsAcceptedOfDamagedMessagesIsWhatProtobufReads) {
  RandomFrames random(3);
  int accepted = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string payload = random.Payload();
    std::string bytes = Join(EncodeGetResponse(random.Head(), payload.size()), payload);
    for (uint64_t flips = 1 + random.Next() % 3; flips > 0; --flips) {
      const size_t at = random.Next() % std::min<size_t>(bytes.size(), 60);
      bytes[at] = static_cast<char>(random.Next());
    }

    const absl::StatusOr<Frame> decoded = DecodeGet(bytes);
    if (!decoded.ok()) continue;
    ++accepted;
    v1::GetResponse parsed;
    ASSERT_TRUE(parsed.ParseFromString(bytes)) << i;
    EXPECT_EQ(decoded->head.index, parsed.frame().index());
    EXPECT_EQ(decoded->head.part, parsed.frame().part());
    EXPECT_EQ(decoded->head.offset, parsed.frame().offset());
    EXPECT_EQ(decoded->head.block_bytes, parsed.frame().block_bytes());
    EXPECT_EQ(decoded->head.checksum ? AsText(*decoded->head.checksum) : "",
              parsed.frame().checksum());
    EXPECT_EQ(PayloadOf(*decoded), parsed.frame().payload());
  }
  EXPECT_GT(accepted, 1000);
}

}  // namespace
}  // namespace halflife
