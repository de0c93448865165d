#include <gtest/gtest.h>

#include "common/limits.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

class PutErrors : public RpcFixture {
 protected:
  PutErrors() { chain_ = Chain(1, 3); }

  void Start(const NamespaceDescriptor& descriptor = Model()) {
    StartServer();
    Open(descriptor);
  }
  // The status of a Put of these messages, after which nothing of it is left in the arena.
  grpc::Status Refused(const std::vector<v1::PutRequest>& messages) {
    const PutAnswer answer = PutMessages(messages);
    WaitUntil([&] { return store_->arena_stats().allocated_blocks == store_->resident_blocks(); },
              "buffers to be freed");
    WaitUntil([&] { return server_->stats().inflight_put_bytes == 0; },
              "reservation to be given back");
    return answer.status;
  }
  void ExpectInvalid(const std::vector<v1::PutRequest>& messages, const std::string& why) {
    const grpc::Status status = Refused(messages);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << why;
    EXPECT_NE(status.error_message().find(why), std::string::npos) << status.error_message();
  }
  v1::PutRequest Whole(uint32_t index) { return FramesOf(index, chain_[index])[0]; }

  std::vector<BlockHash> chain_;
};

TEST_F(PutErrors, AWrongChecksumIsDataLossAndNothingIsVisible) {
  Start();
  v1::PutRequest damaged = Whole(1);
  (*damaged.mutable_frame()->mutable_payload())[77] ^= 1;

  const grpc::Status status = Refused({HeaderOf(chain_), Whole(0), damaged, Whole(2)});

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(status.error_message(), "checksum of block 1 part 0 does not hold");
  EXPECT_EQ(store_->resident_blocks(), 1);  // block 0 was complete
}

TEST_F(PutErrors, MessagesOutOfSequenceAreRefused) {
  Start();
  ExpectInvalid({}, "ended before its header");
  ExpectInvalid({Whole(0)}, "first message must be a header");
  ExpectInvalid({HeaderOf(chain_), HeaderOf(chain_)}, "a second header");
  ExpectInvalid({HeaderOf(chain_), v1::PutRequest()}, "neither header nor frame");
  ExpectInvalid({HeaderOf(chain_), Whole(1), Whole(0)}, "out of order");
  ExpectInvalid({HeaderOf(chain_), Whole(1), Whole(1)}, "out of order");
  v1::PutRequest beyond = Whole(2);
  beyond.mutable_frame()->set_index(3);
  ExpectInvalid({HeaderOf(chain_), beyond}, "announced 3 blocks");
  beyond.mutable_frame()->set_index(0);
  beyond.mutable_frame()->set_part(1);
  ExpectInvalid({HeaderOf(chain_), beyond}, "frame.part is 1");
}

TEST_F(PutErrors, AFirstFrameMustSayWhatComes) {
  Start();
  v1::PutRequest frame = Whole(0);
  frame.mutable_frame()->clear_checksum();
  ExpectInvalid({HeaderOf(chain_), frame}, "frame.checksum is missing");
  frame = Whole(0);
  frame.mutable_frame()->clear_block_bytes();
  ExpectInvalid({HeaderOf(chain_), frame}, "frame.block_bytes is 0");
  frame.mutable_frame()->set_block_bytes(kBlockBytes + 1);
  ExpectInvalid({HeaderOf(chain_), frame}, "frame.block_bytes is 65537");
  frame = Whole(0);
  frame.mutable_frame()->set_offset(4096);
  ExpectInvalid({HeaderOf(chain_), frame}, "frame.offset is 4096");
  frame = Whole(0);
  frame.mutable_frame()->clear_payload();
  ExpectInvalid({HeaderOf(chain_), frame}, "frame.payload is empty");
}

TEST_F(PutErrors, PiecesMustFollowEachOtherUpToTheEndOfTheBlock) {
  Start(Model((uint64_t{2} << 20) + 4096));
  const std::vector<v1::PutRequest> pieces = FramesOf(0, chain_[0]);
  ASSERT_EQ(pieces.size(), 3);
  ExpectInvalid({HeaderOf(chain_), pieces[0], pieces[2]}, "frame.offset is 2097152, 1048576 bytes");
  ExpectInvalid({HeaderOf(chain_), pieces[0], pieces[0]}, "frame.offset is 0, 1048576 bytes");
  ExpectInvalid({HeaderOf(chain_), pieces[0], pieces[1]},
                "the stream ended after 2097152 of 2101248 bytes");
  ExpectInvalid({HeaderOf(chain_), pieces[0], FramesOf(1, chain_[1])[0]}, "out of order");
  v1::PutRequest too_long = pieces[2];
  too_long.mutable_frame()->mutable_payload()->push_back('x');
  ExpectInvalid({HeaderOf(chain_), pieces[0], pieces[1], too_long}, "beyond the block's 2101248");
  EXPECT_EQ(store_->resident_blocks(), 0);
}

TEST_F(PutErrors, FramesUpToTwoMebibytesAreTaken) {
  Start(Model(kMaxFrameBytes + 4096));
  std::vector<v1::PutRequest> pieces = FramesOf(0, chain_[0]);
  pieces[0].mutable_frame()->mutable_payload()->append(pieces[1].frame().payload());
  const PutAnswer put = PutMessages({HeaderOf({chain_[0]}), pieces[0], pieces[2]});
  EXPECT_EQ(put.response.stored(), 1) << put.status.error_message();

  pieces[0].mutable_frame()->mutable_payload()->push_back('x');
  ExpectInvalid({HeaderOf({chain_[1]}), pieces[0]},
                "frame.payload has 2097153 bytes, at most 2097152");
}

TEST_F(PutErrors, AMessageAboveFourMebibytesIsRefusedByTheTransport) {
  Start();
  v1::PutRequest huge = Whole(0);
  huge.mutable_frame()->set_payload(std::string(kMaxMessageBytes, 'x'));
  EXPECT_EQ(Refused({HeaderOf(chain_), huge}).error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(PutErrors, AnUnknownNamespaceIsAFailedPrecondition) {
  Start();
  v1::PutRequest header = HeaderOf(chain_);
  header.mutable_header()->set_namespace_id(std::string(32, 'u'));
  EXPECT_EQ(Refused({header, Whole(0)}).error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  v1::GetRequest get = GetOf(chain_);
  get.set_namespace_id(std::string(32, 'u'));
  EXPECT_EQ(Get(get).status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(PutErrors, ACallThatIsCancelledInTheMiddleFreesItsBuffer) {
  Start(Model(uint64_t{4} << 20));
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain_)));
  const std::vector<v1::PutRequest> pieces = FramesOf(0, chain_[0]);
  ASSERT_TRUE(writer->Write(pieces[0]) && writer->Write(pieces[1]));
  WaitUntil([&] { return store_->arena_stats().allocated_blocks == 1; }, "a buffer");

  context.TryCancel();

  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntil([&] { return store_->arena_stats().allocated_blocks == 0; }, "buffer to be freed");
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "stream to end");
}

TEST_F(PutErrors, ACallThatIsCancelledWhileItWaitsForRoomEnds) {
  Start();
  store_->HoldBuffers();
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain_)) && writer->Write(Whole(0)));
  WaitUntil([&] { return store_->waiting() == 1; }, "the stream to wait for room");

  context.TryCancel();

  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "stream to end");
  store_->ServeWaiting();  // comes too late and is given back
  EXPECT_EQ(store_->arena_stats().allocated_blocks, 0);
}

TEST_F(PutErrors, APutThatWaitsForRoomGoesOnWhenThereIsSome) {
  Start();
  store_->HoldBuffers();
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf({chain_[0]})) && writer->Write(Whole(0)) &&
              writer->WritesDone());
  WaitUntil([&] { return store_->waiting() == 1; }, "the stream to wait for room");

  store_->ServeWaiting();

  EXPECT_TRUE(writer->Finish().ok());
  EXPECT_EQ(response.stored(), 1);
}

TEST_F(PutErrors, WithoutRoomThePutEndsAtOnceWithAStatusPerBlock) {
  Start();
  ASSERT_EQ(PutChain({chain_[0]}).response.stored(), 1);
  store_->MoveToSsd(AddressOf(chain_[0]));
  store_->RefuseBuffersWith(absl::ResourceExhaustedError("DRAM tier is full"));

  const PutAnswer put = PutChain(chain_);

  ASSERT_TRUE(put.status.ok()) << put.status.error_message();
  EXPECT_EQ(put.response.stored(), 0);
  ASSERT_EQ(put.response.status().size(), 3);
  EXPECT_EQ(put.response.status()[0], v1::PUT_STATUS_DUPLICATE);
  EXPECT_EQ(put.response.status()[1], v1::PUT_STATUS_NO_ROOM);
  EXPECT_EQ(put.response.status()[2], v1::PUT_STATUS_NO_ROOM);
  EXPECT_EQ(store_->counted_puts(PutOutcome::kRefusedNoRoom), 2);
}

TEST_F(PutErrors, ABlockThatIsNotWorthItsPlaceEndsThePutWellAndSaysSo) {
  Start();
  store_->RefuseBuffersWith(absl::FailedPreconditionError("worth less than what would go"));

  const PutAnswer put = PutChain(chain_);

  ASSERT_TRUE(put.status.ok()) << "no error: " << put.status.error_message();
  EXPECT_EQ(put.response.stored(), 0);
  EXPECT_EQ(put.response.status(),
            std::string(chain_.size(), static_cast<char>(v1::PUT_STATUS_NOT_ADMITTED)));
  EXPECT_EQ(store_->counted_puts(PutOutcome::kRefusedNotAdmitted), chain_.size());
}

TEST_F(PutErrors, ANamespaceAtItsCeilingEndsThePutWellAndSaysSo) {
  Start();
  store_->RefuseBuffersWith(absl::OutOfRangeError("at its ceiling"));

  const PutAnswer put = PutChain(chain_);

  ASSERT_TRUE(put.status.ok()) << "no error: " << put.status.error_message();
  EXPECT_EQ(put.response.status(),
            std::string(chain_.size(), static_cast<char>(v1::PUT_STATUS_OVER_QUOTA)));
  EXPECT_EQ(store_->counted_puts(PutOutcome::kRefusedOverQuota), chain_.size());
}

}  // namespace
}  // namespace halflife
