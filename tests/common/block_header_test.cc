#include "common/block/block_header.h"

#include <gtest/gtest.h>

#include "common/limits.h"

namespace halflife {
namespace {

using Bytes = std::array<uint8_t, kBlockHeaderBytes>;

BlockHeader SomeHeader() {
  BlockHeader header;
  header.identity.ns.bytes.fill(0x11);
  header.identity.hash.bytes.fill(0x22);
  header.identity.group = 3;
  header.identity.part = 4;
  header.payload_bytes = 65536;
  header.checksum.fill(0x33);
  header.depth = 17;
  header.written_s = 1'700'000'000;
  return header;
}

Bytes Encoded(const BlockHeader& header) {
  Bytes bytes;
  EncodeBlockHeader(header, absl::MakeSpan(bytes));
  return bytes;
}

TEST(BlockHeader, ComesBackFromItsEncoding) {
  const auto decoded = DecodeBlockHeader(Encoded(SomeHeader()));

  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, SomeHeader());
}

TEST(BlockHeader, HasThePublishedLayout) {
  const Bytes bytes = Encoded(SomeHeader());

  EXPECT_EQ(AsText(absl::MakeConstSpan(bytes).first(8)), "HLBLOCK1");
  EXPECT_EQ(Hex(absl::MakeConstSpan(bytes).subspan(8, 8)), "0100040003000000");
  EXPECT_EQ(Hex(absl::MakeConstSpan(bytes).subspan(80, 8)), "0000010000000000");
  EXPECT_EQ(Hex(absl::MakeConstSpan(bytes).subspan(104, 16)), "110000000000000000f1536500000000");
}

TEST(BlockHeader, EveryFlippedBitIsFound) {
  const Bytes good = Encoded(SomeHeader());
  for (size_t bit = 0; bit < 8 * kBlockHeaderBytes; ++bit) {
    Bytes bad = good;
    bad[bit / 8] ^= 1 << bit % 8;

    EXPECT_EQ(DecodeBlockHeader(bad).status().code(), absl::StatusCode::kDataLoss) << "bit " << bit;
  }
}

TEST(BlockHeader, EveryCutIsFound) {
  const Bytes good = Encoded(SomeHeader());
  for (size_t length = 0; length < kBlockHeaderBytes; ++length) {
    EXPECT_FALSE(DecodeBlockHeader(absl::MakeConstSpan(good).first(length)).ok()) << length;
  }
}

TEST(BlockHeader, AnImpossiblePayloadLengthIsFound) {
  BlockHeader header = SomeHeader();
  header.payload_bytes = 0;
  EXPECT_FALSE(DecodeBlockHeader(Encoded(header)).ok());
  header.payload_bytes = kMaxBlockBytes;
  EXPECT_TRUE(DecodeBlockHeader(Encoded(header)).ok());
  header.payload_bytes = kMaxBlockBytes + 1;
  EXPECT_FALSE(DecodeBlockHeader(Encoded(header)).ok());
}

TEST(PayloadChecksum, HangsOnThePayloadAndOnEveryFieldOfTheIdentity) {
  const std::vector<uint8_t> payload(5000, 0x5A);
  const BlockIdentity identity = SomeHeader().identity;
  const Digest128 checksum = PayloadChecksum(identity, payload);

  std::vector<uint8_t> other_payload = payload;
  other_payload[4999] ^= 1;
  EXPECT_NE(PayloadChecksum(identity, other_payload), checksum);
  BlockIdentity other = identity;
  other.part = 5;
  EXPECT_NE(PayloadChecksum(other, payload), checksum);
  other = identity;
  other.group = 4;
  EXPECT_NE(PayloadChecksum(other, payload), checksum);
  other = identity;
  other.hash.bytes[31] ^= 1;
  EXPECT_NE(PayloadChecksum(other, payload), checksum);
  other = identity;
  other.ns.bytes[0] ^= 1;
  EXPECT_NE(PayloadChecksum(other, payload), checksum);
}

}  // namespace
}  // namespace halflife
