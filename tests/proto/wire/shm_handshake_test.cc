#include "proto/wire/shm_handshake.h"

#include <gtest/gtest.h>

#include "common/endian.h"

namespace halflife {
namespace {

ShmWelcome Welcome() {
  ShmWelcome welcome;
  welcome.session.fill(7);
  welcome.arena_bytes = uint64_t{1} << 32;
  welcome.generation_words = 4096;
  welcome.staging_bytes = 8 << 20;
  return welcome;
}

TEST(ShmHandshake, MessagesComeBackAsTheyWereWritten) {
  EXPECT_EQ(DecodeHello(EncodeHello({.staging_bytes = 12345}))->staging_bytes, 12345u);
  const auto welcome = DecodeWelcome(EncodeWelcome(Welcome()));
  ASSERT_TRUE(welcome.ok()) << welcome.status();
  EXPECT_EQ(welcome->status, HandshakeStatus::kOk);
  EXPECT_EQ(welcome->session, Welcome().session);
  EXPECT_EQ(welcome->arena_bytes, Welcome().arena_bytes);
  EXPECT_EQ(welcome->generation_words, 4096u);
  EXPECT_EQ(welcome->staging_bytes, uint64_t{8} << 20);
}

TEST(ShmHandshake, ALineNamesItsSessionAndIsAnsweredWithAStatus) {
  ShmLineHello hello;
  hello.session.fill(9);
  const std::vector<uint8_t> bytes = EncodeLineHello(hello);

  ASSERT_EQ(bytes.size(), 24u);
  EXPECT_EQ(DecodeLineHello(bytes)->session, hello.session);
  EXPECT_FALSE(DecodeLineHello({bytes.data(), 23}).ok());
  EXPECT_FALSE(DecodeHello(bytes).ok());
  EXPECT_FALSE(DecodeLineHello(EncodeHello({})).ok());
  EXPECT_EQ(*DecodeAck(EncodeAck(HandshakeStatus::kFull)), HandshakeStatus::kFull);
  std::vector<uint8_t> unknown = EncodeAck(HandshakeStatus::kOk);
  unknown[6] = 5;
  EXPECT_FALSE(DecodeAck(unknown).ok());
}

TEST(ShmHandshake, ARegionHasASizeWithinBoundsAndGetsAName) {
  ShmRegionHello hello{.session = {}, .size_bytes = 4096};
  hello.session.fill(3);
  const auto decoded = DecodeRegionHello(EncodeRegionHello(hello));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->session, hello.session);
  EXPECT_EQ(decoded->size_bytes, 4096u);
  EXPECT_EQ(EncodeRegionHello(hello).size(), 32u);
  for (const uint64_t size : {uint64_t{0}, kMaxRegionBytes + 1}) {
    EXPECT_FALSE(DecodeRegionHello(EncodeRegionHello({.session = {}, .size_bytes = size})).ok());
  }
  EXPECT_TRUE(DecodeRegionHello(EncodeRegionHello({{}, kMaxRegionBytes})).ok());
  const auto ack = DecodeRegionAck(EncodeRegionAck({HandshakeStatus::kOk, 77}));
  ASSERT_TRUE(ack.ok());
  EXPECT_EQ(ack->region, 77u);
  EXPECT_FALSE(DecodeRegionAck(EncodeAck(HandshakeStatus::kOk)).ok());
}

TEST(ShmHandshake, TheLayoutIsThatOfTheFormat) {
  const std::vector<uint8_t> hello = EncodeHello({.staging_bytes = 0x1122334455667788});
  const std::vector<uint8_t> expected = {'H',  'L',  'S',  'M',  1,    1,    0,    0,
                                         0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11};
  EXPECT_EQ(hello, expected);
  EXPECT_EQ(EncodeWelcome(Welcome()).size(), 48u);
}

TEST(ShmHandshake, AnyOtherLengthMagicVersionOrTypeIsRefused) {
  const std::vector<uint8_t> good = EncodeWelcome(Welcome());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(DecodeWelcome({good.data(), size}).ok()) << size;
  }
  for (size_t at = 0; at < 6; ++at) {
    std::vector<uint8_t> damaged = good;
    damaged[at] ^= 0x10;
    EXPECT_FALSE(DecodeWelcome(damaged).ok()) << at;
  }
  EXPECT_FALSE(DecodeHello(good).ok());
  EXPECT_FALSE(DecodeWelcome(EncodeHello({})).ok());
}

TEST(ShmHandshake, SizesOutOfBoundsAreRefusedUnlessTheAnswerIsNo) {
  for (const auto& change : std::vector<void (*)(ShmWelcome&)>{
           [](ShmWelcome& w) { w.arena_bytes = 0; }, [](ShmWelcome& w) { w.arena_bytes += 1; },
           [](ShmWelcome& w) { w.arena_bytes = (uint64_t{1} << 46) + 4096; },
           [](ShmWelcome& w) { w.generation_words = 0; },
           [](ShmWelcome& w) { w.generation_words = 4097; },
           [](ShmWelcome& w) { w.generation_words = 2 * kMaxGenerationWords; },
           [](ShmWelcome& w) { w.staging_bytes = kMaxStagingBytes + 4096; },
           [](ShmWelcome& w) { w.staging_bytes = 4095; }}) {
    ShmWelcome welcome = Welcome();
    change(welcome);
    EXPECT_FALSE(DecodeWelcome(EncodeWelcome(welcome)).ok());
    welcome.status = HandshakeStatus::kFull;
    EXPECT_TRUE(DecodeWelcome(EncodeWelcome(welcome)).ok());
  }
  ShmWelcome largest = Welcome();
  largest.arena_bytes = uint64_t{1} << 46;
  largest.generation_words = kMaxGenerationWords;
  largest.staging_bytes = kMaxStagingBytes;
  EXPECT_TRUE(DecodeWelcome(EncodeWelcome(largest)).ok());
}

TEST(ShmHandshake, TheOfferNamesAFileBesideTheMainSocket) {
  EXPECT_EQ(*SocketBeside("/run/halflife/a.sock", "a.sock.shm"), "/run/halflife/a.sock.shm");
  EXPECT_EQ(ShmSocketPath("/run/halflife/a.sock"), "/run/halflife/a.sock.shm");
  EXPECT_FALSE(SocketBeside("/run/a.sock", "").ok());
  EXPECT_FALSE(SocketBeside("/run/a.sock", "../b.sock").ok());
  EXPECT_FALSE(SocketBeside("/run/a.sock", "/b.sock").ok());
  EXPECT_FALSE(SocketBeside("/run/a.sock", std::string("a\0b", 3)).ok());
  EXPECT_TRUE(SocketBeside("/r/a", std::string(104, 'x')).ok());
  EXPECT_FALSE(SocketBeside("/r/a", std::string(105, 'x')).ok());
}

}  // namespace
}  // namespace halflife
