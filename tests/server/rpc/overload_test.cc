#include <gtest/gtest.h>

#include "common/limits.h"
#include "proto/wire/grpc_status.h"
#include "server/rpc/get_window.h"
#include "tests/fakes/manual_executor.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

constexpr uint64_t kMiB = 1 << 20;
// As long as a frame may take before its reader counts as slow.
constexpr absl::Duration kSlow = absl::Milliseconds(250);

class Overload : public RpcFixture {
 protected:
  // A reader that has asked and then reads nothing.
  struct StoppedReader {
    grpc::ClientContext context;
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<v1::CacheService::Stub> stub;
    std::unique_ptr<grpc::ClientReader<v1::GetResponse>> reader;
  };
  // The clock may be turned as far as it takes for readers to count as slow.
  void NothingTimesOut() {
    options_.stall_timeout = options_.default_deadline = options_.max_deadline = absl::Hours(1000);
  }
  std::unique_ptr<StoppedReader> Stop(const v1::GetRequest& request) {
    auto stopped = std::make_unique<StoppedReader>();
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_HTTP2_BDP_PROBE,
                     0);  // else the flow-control window grows with the first frames
    stopped->channel = NewChannel(arguments);
    stopped->stub = v1::CacheService::NewStub(stopped->channel);
    stopped->reader = stopped->stub->Get(&stopped->context, request);
    stopped->reader->WaitForInitialMetadata();
    return stopped;
  }
};

TEST_F(Overload, AReaderThatMayStillReadHoldsABlockAndAWindowOfBlocks) {
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 64);
  ASSERT_EQ(PutChain(chain).response.stored(), 64);

  std::vector<std::unique_ptr<StoppedReader>> readers;
  for (int i = 0; i < 8; ++i) readers.push_back(Stop(GetOf(chain)));

  WaitUntil([&] { return server_->stats().open_streams() == 8; }, "streams");
  const RpcStats stats = server_->stats();
  // One frame is with gRPC, the one before may still lie in its send buffer in part.
  EXPECT_LE(stats.frame_bytes, 8 * 2 * kFrameBytes);
  EXPECT_EQ(stats.inflight_get_bytes, 8 * (2 * kMiB + GetWindow::kMaxBytes));
  // Others are served meanwhile.
  EXPECT_EQ(Get(GetOf({chain[0]})).blocks.at(0).bytes, BytesOf(chain[0]));

  for (auto& reader : readers) reader->context.TryCancel();
  readers.clear();
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "streams to end");
  WaitUntil([&] { return server_->stats().frame_bytes == 0; }, "frames to be let go");
  EXPECT_EQ(server_->stats().inflight_get_bytes, 0);
}

TEST_F(Overload, AStoppedReaderKeepsOnlyTheBlockThatIsBeingSent) {
  NothingTimesOut();
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 64);
  ASSERT_EQ(PutChain(chain).response.stored(), 64);
  std::vector<std::unique_ptr<StoppedReader>> readers;
  for (int i = 0; i < 8; ++i) readers.push_back(Stop(GetOf(chain)));

  WaitUntil(
      [&] {
        if (server_->stats().inflight_get_bytes > 8 * 2 * kMiB)
          clock_.Advance(absl::Milliseconds(1));
        return server_->stats().inflight_get_bytes == 8 * 2 * kMiB;
      },
      "the read-ahead to be given back");

  EXPECT_EQ(server_->stats().open_streams(), 8);
  EXPECT_EQ(server_->stats().stalled_streams, 0);
}

TEST_F(Overload, AReaderThatPausesGetsTheWholeChainAllTheSame) {
  NothingTimesOut();
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 12);
  ASSERT_EQ(PutChain(chain).response.stored(), 12);
  v1::LookupRequest lookup = LookupOf(chain);
  lookup.set_pin(true);
  v1::GetRequest by_lease;
  by_lease.set_lease_id(Lookup(lookup).second.lease_id());
  for (const v1::GetRequest& request : {GetOf(chain), by_lease}) {
    const auto paused = Stop(request);
    WaitUntil(
        [&] {
          if (server_->stats().inflight_get_bytes > 2 * kMiB) clock_.Advance(absl::Milliseconds(1));
          return server_->stats().inflight_get_bytes == 2 * kMiB;
        },
        "the read-ahead to be given back");

    std::vector<std::string> blocks(chain.size());
    v1::GetResponse response;
    while (paused->reader->Read(&response)) {
      blocks.at(response.frame().index()) += response.frame().payload();
    }

    EXPECT_TRUE(paused->reader->Finish().ok());
    for (size_t i = 0; i < chain.size(); ++i) EXPECT_TRUE(blocks[i] == BytesOf(chain[i])) << i;
    WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the stream to end");
  }
}

TEST_F(Overload, ALeaseThatIsGoneWhileItsReaderPausesEndsTheStreamAsUnavailable) {
  NothingTimesOut();
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 12);
  ASSERT_EQ(PutChain(chain).response.stored(), 12);
  v1::LookupRequest lookup = LookupOf(chain);
  lookup.set_pin(true);
  v1::GetRequest by_lease;
  by_lease.set_lease_id(Lookup(lookup).second.lease_id());
  const auto paused = Stop(by_lease);
  WaitUntil(
      [&] {
        if (server_->stats().inflight_get_bytes > 2 * kMiB) clock_.Advance(absl::Milliseconds(1));
        return server_->stats().inflight_get_bytes == 2 * kMiB;
      },
      "the leased blocks to be let go");
  ASSERT_TRUE(store_->Release(by_lease.lease_id()).ok());

  std::vector<std::string> blocks;
  std::vector<v1::BlockStatus> misses;
  v1::GetResponse response;
  while (paused->reader->Read(&response)) {
    const v1::Frame& frame = response.frame();
    if (frame.status() != v1::BLOCK_STATUS_UNSPECIFIED && frame.payload().empty()) {
      misses.push_back(frame.status());
      continue;
    }
    blocks.resize(frame.index() + 1);
    blocks.back() += frame.payload();
  }

  EXPECT_TRUE(paused->reader->Finish().ok()) << "a miss is not an error";
  EXPECT_EQ(misses, std::vector{v1::BLOCK_STATUS_UNAVAILABLE});
  EXPECT_LT(blocks.size(), chain.size());
  // What came is whole: the block that was under way when the lease went was still held.
  ASSERT_GT(blocks.size(), 0);
  for (size_t i = 0; i < blocks.size(); ++i) EXPECT_TRUE(blocks[i] == BytesOf(chain[i])) << i;
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the stream to end");
}

TEST_F(Overload, AReaderThatKeepsItsPaceIsServedThoughStoppedReadersFillTheLimit) {
  options_.max_inflight_get_bytes = 8 * kMiB;
  NothingTimesOut();
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 12);
  ASSERT_EQ(PutChain(chain).response.stored(), 12);
  std::vector<std::unique_ptr<StoppedReader>> readers;
  for (int i = 0; i < 4; ++i) readers.push_back(Stop(GetOf(chain)));
  WaitUntil([&] { return server_->stats().inflight_get_bytes == 8 * kMiB; }, "a full limit");
  EXPECT_EQ(Get(GetOf(chain)).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);

  // Each newcomer takes the place of a reader that has stopped, and of no more than needed.
  for (uint64_t i = 1; i <= 8; ++i) {
    clock_.Advance(kSlow);
    if (i <= 4) {
      readers.push_back(Stop(GetOf(chain)));
    } else {
      EXPECT_EQ(Get(GetOf(chain)).blocks.size(), chain.size());
      // It has its answer a little before the server has its room back: the next one would cut.
      WaitUntil([&] { return server_->stats().inflight_get_bytes == 6 * kMiB; }, "its room");
    }
    WaitUntil([&] { return server_->stats().stalled_streams == std::min<uint64_t>(i, 5); },
              "one to be cut");
  }

  EXPECT_EQ(server_->stats().refused_get_bytes, 1);
}

// Clock time runs much faster than the watch looks in these two: a stream that is both stalled and
// over its deadline counts as stalled.
TEST_F(Overload, AStalledReaderIsCutAndItsBlocksAreLetGo) {
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 32);
  ASSERT_EQ(PutChain(chain).response.stored(), 32);
  const auto stopped = Stop(GetOf(chain));
  WaitUntil([&] { return server_->stats().frame_bytes > 0; }, "the first frame");

  AdvanceUntilCut();

  EXPECT_EQ(server_->stats().stalled_streams, 1);
  EXPECT_EQ(Handled(RpcMethod::kGet, grpc::StatusCode::CANCELLED), 1);
  v1::GetResponse response;
  while (stopped->reader->Read(&response)) {
  }
  EXPECT_FALSE(stopped->reader->Finish().ok());
  EXPECT_EQ(server_->stats().inflight_get_bytes, 0);
}

TEST_F(Overload, AStalledWriterIsCutAndItsBufferIsFreed) {
  StartServer();
  Open(Model(4 * kMiB));
  const auto chain = Chain(1, 1);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain)) && writer->Write(FramesOf(0, chain[0])[0]));
  WaitUntil([&] { return store_->arena_stats().allocated_blocks == 1; }, "a buffer");

  AdvanceUntilCut(absl::Seconds(1));

  EXPECT_FALSE(writer->Finish().ok());
  EXPECT_EQ(store_->arena_stats().allocated_blocks, 0);
  EXPECT_EQ(server_->stats().stalled_streams, 1);
}

TEST_F(Overload, APutThatNeverGetsRoomEndsWithTheDefaultDeadline) {
  StartServer();
  Open();
  store_->HoldBuffers();
  const auto chain = Chain(1, 1);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf(chain)) && writer->Write(FramesOf(0, chain[0])[0]));
  WaitUntil([&] { return store_->waiting() == 1; }, "the stream to wait for room");

  clock_.Advance(kDefaultDeadline + absl::Milliseconds(1));

  EXPECT_EQ(writer->Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(server_->stats().expired_calls, 1);
  store_->ServeWaiting();
}

TEST_F(Overload, GetsBeyondTheBytesInFlightAreRefusedWithARetryDelay) {
  options_.max_inflight_get_bytes = 4 * kMiB;
  StartServer();
  Open(Model(2 * kMiB));
  const auto chain = Chain(1, 32);
  ASSERT_EQ(PutChain(chain).response.stored(), 32);
  const auto first = Stop(GetOf(chain));
  const auto second = Stop(GetOf(chain));
  WaitUntil([&] { return server_->stats().inflight_get_bytes == 4 * kMiB; }, "two streams");

  const grpc::Status refused = Get(GetOf(chain)).status;

  EXPECT_EQ(refused.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(RetryDelayOf(FromGrpcStatus(refused)), absl::Milliseconds(100));
  EXPECT_EQ(server_->stats().refused_get_bytes, 1);
  first->context.TryCancel();
  WaitUntil([&] { return server_->stats().inflight_get_bytes == 2 * kMiB; }, "room");
  EXPECT_TRUE(Get(GetOf({chain[0]})).status.ok());
  second->context.TryCancel();
}

TEST_F(Overload, PutsBeyondTheBytesInFlightAreRefusedBeforeTheirPayload) {
  options_.max_inflight_put_bytes = 4 * kMiB;
  StartServer();
  Open(Model(3 * kMiB));
  const auto chain = Chain(1, 2);
  grpc::ClientContext context;
  v1::PutResponse response;
  const auto writer = stub_->Put(&context, &response);
  ASSERT_TRUE(writer->Write(HeaderOf({chain[0]})));
  WaitUntil([&] { return server_->stats().inflight_put_bytes == 3 * kMiB; }, "the first Put");

  const PutAnswer refused = PutMessages({HeaderOf({chain[1]})});

  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(RetryDelayOf(FromGrpcStatus(refused.status)).has_value());
  EXPECT_EQ(server_->stats().refused_put_bytes, 1);
  context.TryCancel();
  writer->Finish();
}

TEST_F(Overload, ABlockAboveTheBytesInFlightIsServedAlone) {
  options_.max_inflight_get_bytes = options_.max_inflight_put_bytes = kMinBlockBytes;
  StartServer();
  Open(Model(kMiB));
  const auto chain = Chain(1, 2);
  EXPECT_EQ(PutChain(chain).response.stored(), 2);
  EXPECT_EQ(Get(GetOf(chain)).blocks.size(), 2);
}

TEST_F(Overload, AFullIoQueueIsResourceExhausted) {
  auto queue = std::make_unique<ManualExecutor>(1);
  ManualExecutor& io = *queue;
  StartServer();
  Open();
  const auto chain = Chain(1, 1);
  ASSERT_EQ(PutChain(chain).response.stored(), 1);
  store_->MoveToSsd(AddressOf(chain[0]));
  StopServer();
  io_ = std::move(queue);
  StartServer();
  ASSERT_TRUE(io.Submit([] {}));

  v1::LookupRequest pin = LookupOf(chain);
  pin.set_pin(true);
  const grpc::Status lookup = Lookup(pin).first;
  EXPECT_EQ(lookup.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(RetryDelayOf(FromGrpcStatus(lookup)), absl::Milliseconds(100));
  EXPECT_EQ(Get(GetOf(chain)).status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_TRUE(Lookup(LookupOf(chain)).first.ok());  // needs no I/O
  EXPECT_EQ(server_->stats().refused_io_queue, 2);
  io.RunAll();
}

TEST_F(Overload, WorkThatWaitedBeyondItsDeadlineIsNotDone) {
  auto queue = std::make_unique<ManualExecutor>();
  ManualExecutor& io = *queue;
  StartServer();
  Open();
  StopServer();
  io_ = std::move(queue);
  StartServer();
  v1::LookupRequest pin = LookupOf(Chain(1, 1));
  pin.set_pin(true);
  grpc::Status status;
  ThreadPool caller({.name = "caller", .threads = 1});
  ASSERT_TRUE(caller.Submit([&] { status = Lookup(pin).first; }));
  WaitUntil([&] { return io.waiting() == 1; }, "the call to be queued");

  clock_.Advance(absl::Seconds(6));
  io.RunAll();
  caller.Drain();

  EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(server_->stats().expired_calls, 1);
}

TEST_F(Overload, ACancelledGetReadsNoFurther) {
  auto queue = std::make_unique<ManualExecutor>();
  ManualExecutor& io = *queue;
  StartServer();
  Open();
  const auto chain = Chain(1, 3);
  ASSERT_EQ(PutChain(chain).response.stored(), 3);
  for (const BlockHash& hash : chain) store_->MoveToSsd(AddressOf(hash));
  StopServer();
  io_ = std::move(queue);
  StartServer();
  grpc::ClientContext context;
  const auto reader = stub_->Get(&context, GetOf(chain));
  WaitUntil([&] { return io.waiting() == 1; }, "the read to be queued");

  context.TryCancel();
  EXPECT_EQ(reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the stream to end");
  io.RunAll();

  EXPECT_EQ(store_->reads(), 0);
}

}  // namespace
}  // namespace halflife
