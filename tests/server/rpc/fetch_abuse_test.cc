#include <gtest/gtest.h>

#include "common/limits.h"
#include "tests/server/rpc/fetch_fixture.h"

namespace halflife {
namespace {

constexpr uint64_t kMiB = 1 << 20;

// Callers of Fetch who do what they should not, or nothing: it costs nobody else anything.
class FetchAbuse : public FetchFixture {
 protected:
  void NothingTimesOut() {
    options_.stall_timeout = options_.default_deadline = options_.max_deadline = absl::Hours(1000);
  }
  // Says these after a good start, and hears how it ends.
  grpc::Status EndAfter(const std::vector<v1::FetchRequest>& messages, uint32_t window = 1) {
    FetchCaller caller(*stub_);
    EXPECT_TRUE(caller.Start(Descending(), window));
    for (const v1::FetchRequest& message : messages) caller.Say(message);
    caller.Rest();
    return caller.Finish();
  }
  void ExpectInvalid(const grpc::Status& status, const std::string& words) {
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << status.error_message();
    EXPECT_NE(status.error_message().find(words), std::string::npos) << status.error_message();
  }
  static v1::FetchRequest Credit(uint32_t count) {
    v1::FetchRequest request;
    request.mutable_credit()->set_count(count);
    return request;
  }
  static v1::FetchRequest Floor(uint32_t index) {
    v1::FetchRequest request;
    request.mutable_floor()->set_index(index);
    return request;
  }
};

TEST_F(FetchAbuse, TheFirstMessageMustBeAStartAndTheOnlyOne) {
  Serve(4);
  v1::FetchRequest start;
  *start.mutable_start()->mutable_get() = Descending();
  start.mutable_start()->set_window(1);

  ExpectInvalid(EndAfter({start}), "a second start");
  ExpectInvalid(EndAfter({v1::FetchRequest()}), "message is missing");
  for (const v1::FetchRequest& first : {Credit(1), Floor(1), v1::FetchRequest()}) {
    FetchCaller caller(*stub_);
    ASSERT_TRUE(caller.Say(first));
    caller.Rest();
    ExpectInvalid(caller.Finish(), "the first message must be a start");
  }
  FetchCaller silent(*stub_);
  silent.Close();
  ExpectInvalid(silent.Finish(), "ended before its start");
  ExpectNothingHeld();
}

TEST_F(FetchAbuse, AStartIsCheckedAsAGetIs) {
  Serve(4);
  v1::GetRequest unknown_order = Descending();
  unknown_order.set_order(static_cast<v1::Order>(7));
  v1::GetRequest too_many = Descending();
  too_many.mutable_chain()->mutable_hashes()->resize(32 * (kMaxTransferBlocks + 1));
  v1::GetRequest no_lease;
  no_lease.set_lease_id(12345);
  const auto end_of = [&](const v1::GetRequest& get) {
    FetchCaller caller(*stub_);
    caller.Start(get, 1);
    caller.Rest();
    return caller.Finish();
  };

  ExpectInvalid(end_of(unknown_order), "order is 7");
  ExpectInvalid(end_of(too_many), "at most 128");
  ExpectInvalid(end_of(v1::GetRequest()), "source is missing");
  EXPECT_EQ(end_of(no_lease).error_code(), grpc::StatusCode::ABORTED);
  ExpectNothingHeld();
}

TEST_F(FetchAbuse, WindowsCreditsAndFloorsBeyondTheirLimitsAreRefused) {
  Serve(4);
  const auto end_with_window = [&](uint32_t window) {
    FetchCaller caller(*stub_);
    caller.Start(Descending(), window);
    caller.Rest();
    return caller.Finish();
  };

  ExpectInvalid(end_with_window(0), "start.window is 0, at least 1");
  ExpectInvalid(end_with_window(129), "start.window is 129, at most 128");
  EXPECT_TRUE(end_with_window(128).ok());
  ExpectInvalid(EndAfter({Credit(0)}), "credit.count is 0, at least 1");
  ExpectInvalid(EndAfter({Credit(UINT32_MAX)}), "number of credits not used yet");
  ExpectInvalid(EndAfter({Floor(0)}), "floor.index is 0, at least 1");
  ExpectInvalid(EndAfter({Floor(2), Floor(2)}), "floor.index is 2, at least 3");
  ExpectInvalid(EndAfter({Floor(5)}), "floor.index is 5, at most 4");
  ExpectNothingHeld();
}

TEST_F(FetchAbuse, AnEndlessStreamOfMessagesIsNotHeard) {
  Serve(4);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 1));

  int said = 0;
  while (said < 10'000 && caller.Credit(1)) ++said;
  caller.Rest();

  // Well (all four blocks) or not (too many credits), but at once.
  caller.Finish();
  ExpectNothingHeld();
}

TEST_F(FetchAbuse, OneThatIsCancelledLetsGoOfItsBlocks) {
  NothingTimesOut();
  Serve(2, 32 * kMiB);  // more than gRPC takes from a stopped reader
  for (const uint32_t window : {1, 2}) {
    FetchCaller caller(*stub_);
    ASSERT_TRUE(caller.Start(Descending(), window));
    WaitUntil([&] { return server_->stats().frame_bytes > 0; }, "the first frame");

    caller.Cancel();

    ExpectNothingHeld();
    EXPECT_EQ(Handled(RpcMethod::kFetch, grpc::StatusCode::CANCELLED), window == 1 ? 1 : 2);
  }
}

TEST_F(FetchAbuse, OneThatAllowsNothingMoreHoldsNoRoomAndGoesOnLater) {
  NothingTimesOut();
  Serve(6, 2 * kMiB);
  v1::LookupRequest lookup = LookupOf(chain_);
  lookup.set_pin(true);
  v1::GetRequest by_lease;
  by_lease.set_lease_id(Lookup(lookup).second.lease_id());
  by_lease.set_order(v1::ORDER_DESC);
  for (const v1::GetRequest& request : {Descending(), by_lease}) {
    FetchCaller caller(*stub_);
    ASSERT_TRUE(caller.Start(request, 1));
    ASSERT_TRUE(caller.Next()->bytes == BytesOf(chain_[5]));
    WaitUntil(
        [&] {
          if (server_->stats().inflight_get_bytes > 0) clock_.Advance(absl::Milliseconds(1));
          return server_->stats().inflight_get_bytes == 0;
        },
        "its room to be given back");
    EXPECT_EQ(server_->stats().open_streams(), 1);

    ASSERT_TRUE(caller.Credit(5));

    for (uint32_t i = 5; i-- > 0;) EXPECT_TRUE(caller.Next()->bytes == BytesOf(chain_[i])) << i;
    EXPECT_EQ(caller.Next(), std::nullopt);
    EXPECT_TRUE(caller.Finish().ok());
  }
  EXPECT_EQ(server_->stats().stalled_streams, 0);
}

TEST_F(FetchAbuse, OneThatFindsNoRoomWhenItGoesOnIsToldSo) {
  NothingTimesOut();
  options_.max_inflight_get_bytes = 2 * kMiB;
  Serve(4, 2 * kMiB);
  FetchCaller first(*stub_), second(*stub_);
  ASSERT_TRUE(first.Start(Descending(), 1));
  ASSERT_TRUE(first.Next().has_value());
  WaitUntil(
      [&] {
        clock_.Advance(absl::Milliseconds(1));
        return server_->stats().inflight_get_bytes == 0;
      },
      "its room to be given back");
  ASSERT_TRUE(second.Start(Descending(), 4));
  WaitUntil([&] { return server_->stats().inflight_get_bytes == 2 * kMiB; }, "the other's room");

  ASSERT_TRUE(first.Credit(1));

  EXPECT_EQ(first.Rest(), std::vector<uint32_t>());
  EXPECT_EQ(first.Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(FetchAbuse, OneThatSaysNothingMoreIsEndedAfterTheStallTimeout) {
  options_.default_deadline = options_.max_deadline = absl::Hours(1000);
  Serve(4);
  for (const bool started : {false, true}) {
    FetchCaller caller(*stub_);
    if (started) {
      ASSERT_TRUE(caller.Start(Descending(), 1));
      ASSERT_TRUE(caller.Next().has_value());
    } else {
      WaitUntil([&] { return server_->stats().open_streams() == 1; }, "the stream");
    }

    WaitUntil(
        [&] {
          clock_.Advance(absl::Seconds(6));
          return server_->stats().open_streams() == 0;
        },
        "the stream to be ended");

    EXPECT_EQ(caller.Rest(), std::vector<uint32_t>());
    const grpc::Status status = caller.Finish();
    EXPECT_EQ(status.error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
    EXPECT_NE(status.error_message().find("nothing was heard"), std::string::npos)
        << status.error_message();
  }
  EXPECT_EQ(server_->stats().stalled_streams, 2);
}

TEST_F(FetchAbuse, OneWhoseDeadlineIsOverEndsThoughItIsWaitedFor) {
  options_.stall_timeout = absl::Hours(1000);
  Serve(4);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 1));
  ASSERT_TRUE(caller.Next().has_value());

  clock_.Advance(options_.default_deadline + absl::Seconds(1));

  EXPECT_EQ(caller.Rest(), std::vector<uint32_t>());
  EXPECT_EQ(caller.Finish().error_code(), grpc::StatusCode::DEADLINE_EXCEEDED);
  EXPECT_EQ(server_->stats().expired_calls, 1);
}

TEST_F(FetchAbuse, AStoppedReaderIsCutAsOfAGet) {
  Serve(16, 2 * kMiB);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 16));
  WaitUntil([&] { return server_->stats().frame_bytes > 0; }, "the first frame");

  AdvanceUntilCut();

  EXPECT_EQ(server_->stats().stalled_streams, 1);
  caller.Rest();
  EXPECT_FALSE(caller.Finish().ok());
  ExpectNothingHeld();
}

TEST_F(FetchAbuse, ADrainingServerBeginsNone) {
  Serve(4);
  server_->BeginDrain();
  FetchCaller caller(*stub_);

  caller.Start(Descending(), 1);

  EXPECT_EQ(caller.Rest(), std::vector<uint32_t>());
  EXPECT_EQ(caller.Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
}

}  // namespace
}  // namespace halflife
