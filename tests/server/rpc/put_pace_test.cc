#include "server/rpc/put_pace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;
constexpr uint64_t kMiB = 1 << 20;

PutPace PaceInABlock() {
  PutPace pace({.bytes_per_s = 1000, .grace = absl::Seconds(1)});
  pace.BeginBlock();
  return pace;
}

TEST(PutPace, AppliesAfterTheGraceToBytesOverTimeWaited) {
  PutPace pace = PaceInABlock();
  pace.Received(500);
  EXPECT_FALSE(pace.TooSlow(kSecond));
  EXPECT_FALSE(pace.TooSlow(kSecond * 3 / 2)) << "500 bytes in half a second are just enough";
  EXPECT_TRUE(pace.TooSlow(kSecond * 3 / 2 + kSecond / 100));

  pace.Waited(kSecond);
  pace.Received(500);
  EXPECT_FALSE(pace.TooSlow(kSecond)) << "1000 bytes in one second";
  EXPECT_TRUE(pace.TooSlow(kSecond + kSecond / 100));
}

TEST(PutPace, EachBlockBeginsAnewAndNothingCountsBetweenThem) {
  PutPace pace = PaceInABlock();
  pace.Waited(5 * kSecond);
  EXPECT_TRUE(pace.TooSlow(0));
  pace.EndBlock();
  EXPECT_FALSE(pace.TooSlow(100 * kSecond)) << "holds no buffer";

  pace.BeginBlock();
  EXPECT_FALSE(pace.TooSlow(kSecond));
  EXPECT_TRUE(pace.TooSlow(2 * kSecond));
}

TEST(PutPace, AFloorOfZeroIsNone) {
  PutPace pace({.bytes_per_s = 0, .grace = absl::ZeroDuration()});
  pace.BeginBlock();

  EXPECT_FALSE(pace.TooSlow(1000 * kSecond));
}

class TricklingPut : public RpcFixture {
 protected:
  TricklingPut() {
    // None of these is what ends the streams here.
    options_.stall_timeout = options_.default_deadline = options_.max_deadline = absl::Hours(1000);
  }
  // A frame of a few bytes: a message of its own.
  v1::PutRequest Piece(const BlockHash& hash, uint64_t offset, size_t bytes) const {
    v1::PutRequest piece = FramesOf(0, hash)[0];
    v1::Frame* frame = piece.mutable_frame();
    if (offset > 0) {
      frame->clear_block_bytes();
      frame->clear_checksum();
    }
    frame->set_offset(offset);
    frame->set_payload(BytesOf(hash).substr(offset, bytes));
    return piece;
  }
};

TEST_F(TricklingPut, LosesItsBufferAtOnceAndIsToldWhy) {
  StartServer();
  Open(Model(4 * kMiB));
  const auto chain = Chain(1, 1);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain)) && writer->Write(Piece(chain[0], 0, 1)));
  WaitUntil([&] { return store_->arena_stats().allocated_blocks == 1; }, "a buffer");

  WaitUntil(
      [&] {
        clock_.Advance(absl::Milliseconds(100));
        return store_->arena_stats().allocated_blocks == 0;
      },
      "the buffer to be taken back");
  EXPECT_EQ(server_->stats().inflight_put_bytes, 0);
  EXPECT_EQ(server_->stats().slow_puts, 1);
  writer->Write(Piece(chain[0], 1, 1));
  writer->WritesDone();
  const grpc::Status status = writer->Finish();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_THAT(status.error_message(),
              HasSubstr("1 of 4194304 bytes of a block came too slowly: at least 1048576 bytes per "
                        "second are wanted after 1s (server.min_put_rate)"));
  EXPECT_EQ(store_->resident_blocks(), 0);
  EXPECT_EQ(server_->stats().stalled_streams, 0);
}

TEST_F(TricklingPut, ThatKeepsTheFloorIsStoredHoweverLongItTakes) {
  options_.min_put_bytes_per_s = 50;  // the first piece alone keeps it, whoever is late
  StartServer();
  Open(Model(kBlockBytes));
  const auto chain = Chain(1, 1);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain)));
  constexpr size_t kPiece = 4096;
  for (uint64_t offset = 0; offset < kBlockBytes; offset += kPiece) {
    ASSERT_TRUE(writer->Write(Piece(chain[0], offset, kPiece)));
    WaitUntil([&] { return store_->arena_stats().allocated_blocks == 1; }, "the first piece");
    clock_.Advance(absl::Seconds(4));
  }
  writer->WritesDone();

  EXPECT_TRUE(writer->Finish().ok());
  EXPECT_EQ(response.stored(), 1);
  EXPECT_EQ(server_->stats().slow_puts, 0);
}

}  // namespace
}  // namespace halflife
