#include "tools/replay/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <string>

#include "common/mutex.h"
#include "tests/tools/fake_block_service.h"
#include "tests/tools/listed_requests.h"
#include "tools/replay/dispatch_queue.h"
#include "tools/replay/payload.h"
#include "tools/replay/replay_report.h"

namespace halflife::tools {
namespace {

using client::Outcome;
using testing::ElementsAre;

constexpr uint64_t kPayloadBytes = 4096;

Request Chain(uint64_t first, uint64_t count, uint32_t turn = 1) {
  Request request;
  request.type = "chat";
  request.turn = turn;
  for (uint64_t i = 0; i < count; ++i) request.blocks.push_back(first + i);
  return request;
}

class WorkerTest : public testing::Test {
 protected:
  FakeBlockService service_;
  Worker worker_{&service_, {.ns = {}, .payload_bytes = kPayloadBytes}, Clock::Real()};
};

TEST_F(WorkerTest, AnUnknownPromptIsPutAndThenDelivered) {
  worker_.Replay(Chain(0, 10));
  worker_.Replay(Chain(0, 12, 2));

  const Tally tally = worker_.tally();
  EXPECT_EQ(tally.Total().requests, 2u);
  EXPECT_EQ(tally.Total().blocks, 22u);
  EXPECT_EQ(tally.Total().dram_hit_blocks, 10u);
  EXPECT_EQ(tally.Total().got_blocks, 10u);
  EXPECT_EQ(tally.stored_blocks, 12u);
  EXPECT_EQ(tally.verified_blocks, 10u);
  EXPECT_EQ(tally.wrong_bytes, 0u);
  EXPECT_EQ(tally.calls[static_cast<size_t>(Verb::kGet)].bytes, 10 * kPayloadBytes);
  EXPECT_EQ(tally.calls[static_cast<size_t>(Verb::kPut)].bytes, 12 * kPayloadBytes);
  EXPECT_EQ(tally.categories.at("chat/1").blocks, 10u);
  EXPECT_EQ(tally.categories.at("chat/2").dram_hit_blocks, 10u);
  EXPECT_EQ(tally.miss_reasons.at("never_seen"), 2u);
}

TEST_F(WorkerTest, HitsAreCountedByTierAndOnlyWithinThePrefix) {
  worker_.Replay(Chain(0, 10));
  service_.dram_blocks_of_a_prefix = 4;

  worker_.Replay(Chain(0, 30, 7));

  const Tally tally = worker_.tally();
  EXPECT_EQ(tally.categories.at("chat/6+").dram_hit_blocks, 4u);
  EXPECT_EQ(tally.categories.at("chat/6+").ssd_hit_blocks, 6u);
}

TEST_F(WorkerTest, AFlippedByteIsCountedInEveryBlock) {
  worker_.Replay(Chain(0, 5));
  service_.flips_byte_at = 100;

  worker_.Replay(Chain(0, 5));

  EXPECT_EQ(worker_.tally().wrong_blocks, 5u);
  EXPECT_EQ(worker_.tally().wrong_bytes, 5u);
}

TEST_F(WorkerTest, ABlockThatIsLostBeforeGetEndsThePrefixAndIsPutAgain) {
  worker_.Replay(Chain(0, 10));
  std::vector<client::Hash> chain;
  HashChain(Chain(0, 7).blocks, chain);
  service_.lost_on_get = {chain.back()};
  service_.put_depths.clear();

  worker_.Replay(Chain(0, 10));

  EXPECT_EQ(worker_.tally().Total().got_blocks, 6u);
  EXPECT_THAT(service_.put_depths, ElementsAre(6));
  EXPECT_EQ(worker_.tally().duplicate_blocks, 4u);
}

TEST_F(WorkerTest, AnIdUnderTwoParentsIsTwoBlocks) {
  Request other = Chain(0, 3);
  other.blocks[0] = 77;

  worker_.Replay(Chain(0, 3));
  worker_.Replay(other);

  EXPECT_EQ(worker_.tally().stored_blocks, 6u);
  EXPECT_EQ(worker_.tally().wrong_bytes, 0u);
}

TEST_F(WorkerTest, TransfersAreCutAtTheLimitOfBlocksInACall) {
  worker_.Replay(Chain(0, 300));
  worker_.Replay(Chain(0, 129));

  EXPECT_THAT(service_.put_sizes, ElementsAre(128, 128, 44));
  EXPECT_THAT(service_.put_depths, ElementsAre(0, 128, 256));
  EXPECT_THAT(service_.get_sizes, ElementsAre(128, 1));
}

TEST_F(WorkerTest, AfterARefusalTheTailIsNotOffered) {
  service_.room = 100;

  worker_.Replay(Chain(0, 300));

  EXPECT_THAT(service_.put_sizes, ElementsAre(128));
  EXPECT_EQ(worker_.tally().stored_blocks, 100u);
  EXPECT_EQ(worker_.tally().refused_blocks, 28u);
}

TEST_F(WorkerTest, AnAbsentDaemonIsAMissOfEverything) {
  service_.lookup_outcome = Outcome::kUnavailable;
  service_.put_outcome = Outcome::kUnavailable;

  worker_.Replay(Chain(0, 300));

  const Tally tally = worker_.tally();
  EXPECT_EQ(tally.OutcomeCount(Outcome::kUnavailable), 2u);
  EXPECT_EQ(tally.Total().blocks, 300u);
  EXPECT_EQ(tally.Total().got_blocks, 0u);
}

TEST_F(WorkerTest, AttributesTellWhatAWorkerKnowsWhenTheRequestStarts) {
  Request request = Chain(0, 3, 4);
  request.stop = "end_turn";
  request.previous_stop = "tool_use";
  request.session = 77;

  worker_.Replay(request);

  EXPECT_EQ(service_.last_attributes.app, "chat");
  EXPECT_EQ(service_.last_attributes.turn, 4u);
  EXPECT_EQ(service_.last_attributes.stop_reason, "tool_use");
  EXPECT_EQ(service_.last_attributes.session, 77u);
}

TEST_F(WorkerTest, ARequestWithoutAFullBlockMakesNoCall) {
  worker_.Replay(Chain(0, 0));

  EXPECT_EQ(service_.lookups, 0);
  EXPECT_EQ(worker_.tally().Total().requests, 1u);
}

TEST_F(WorkerTest, ChainsBeyondTheLimitOfALookupAreCut) {
  worker_.Replay(Chain(0, 8192 + 5));

  EXPECT_EQ(worker_.tally().Total().blocks, 8192u);
  EXPECT_EQ(worker_.tally().cut_blocks, 5u);
}

// Requests from a list.
class ListSource final : public RequestSource {
 public:
  explicit ListSource(std::vector<Request> requests) : requests_(std::move(requests)) {}
  absl::StatusOr<bool> Next(Request& request) override {
    if (next_ == fails_at) return absl::InvalidArgumentError("list:3: bad");
    if (next_ == requests_.size()) return false;
    request = requests_[next_++];
    return true;
  }
  uint32_t block_tokens() const override { return 512; }
  double progress() const override { return 0; }

  size_t fails_at = SIZE_MAX;

 private:
  const std::vector<Request> requests_;
  size_t next_ = 0;
};

ReplayOptions Options(int concurrency) {
  ReplayOptions options;
  options.worker.payload_bytes = kPayloadBytes;
  options.concurrency = concurrency;
  return options;
}

std::vector<Request> Sessions(uint64_t sessions, uint32_t turns) {
  std::vector<Request> requests;
  for (uint32_t turn = 1; turn <= turns; ++turn) {
    for (uint64_t session = 1; session <= sessions; ++session) {
      Request request = Chain(session * 1000, turn * 3, turn);
      request.session = session;
      requests.push_back(request);
    }
  }
  return requests;
}

TEST(Replay, ManyWorkersCountLikeOneBecauseTurnsOfASessionKeepTheirOrder) {
  for (const int concurrency : {1, 8}) {
    ListSource source(Sessions(20, 5));
    FakeBlockService service;

    const auto result = Replay(source, service, Options(concurrency), Clock::Real());

    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(result->tally.Total().requests, 100u);
    // Turn t has 3 t blocks, of which 3 (t - 1) are known: 20 sessions x 3 x (0 + 1 + 2 + 3 + 4).
    EXPECT_EQ(result->tally.Total().dram_hit_blocks, 600u) << concurrency;
    EXPECT_EQ(result->tally.wrong_bytes, 0u);
    EXPECT_EQ(result->tally.duplicate_blocks, 0u);
    EXPECT_EQ(service.size(), 20u * 15);
  }
}

TEST(Replay, StopsAtTheLimit) {
  ListSource source(Sessions(20, 5));
  FakeBlockService service;
  ReplayOptions options = Options(2);
  options.limit = 7;

  const auto result = Replay(source, service, options, Clock::Real());

  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->tally.Total().requests, 7u);
}

TEST(Replay, ABadTraceEndsItWithItsMessage) {
  ListSource source(Sessions(20, 5));
  source.fails_at = 3;
  FakeBlockService service;

  const auto result = Replay(source, service, Options(2), Clock::Real());

  EXPECT_EQ(result.status(), absl::InvalidArgumentError("list:3: bad"));
}

TEST(Replay, AnOpenLoopCountsHowLateEachRequestStarts) {
  auto requests = Sessions(5, 2);
  for (size_t i = 0; i < requests.size(); ++i) requests[i].time_s = static_cast<double>(i);
  ListSource source(requests);
  FakeBlockService service;
  ReplayOptions options = Options(2);
  options.speed = 1e6;

  const auto result = Replay(source, service, options, Clock::Real());

  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->tally.lateness_ns.count, 10u);
}

TEST(Replay, TellsTheTimeOfEachRequestSinceTheFirst) {
  FakeBlockService service;
  std::vector<Request> requests = RequestsFor({{1}, {2}, {3}});
  requests[2].time_s = 60;
  ListedRequests source(requests);
  std::vector<double> times_s;
  ReplayOptions options{.worker = {.ns = {}, .payload_bytes = kPayloadBytes}, .concurrency = 1};
  options.at_time = [&times_s](double elapsed_s) { times_s.push_back(elapsed_s); };

  ASSERT_TRUE(Replay(source, service, options, Clock::Real()).ok());

  EXPECT_THAT(times_s, ElementsAre(0, 1, 59));
}

TEST(Replay, OpenLoopTimesAreCompressedFromTheFirstRequest) {
  EXPECT_EQ(DueNanos(100, 100, 60), 0);
  EXPECT_EQ(DueNanos(160, 100, 60), 1'000'000'000);
  EXPECT_EQ(DueNanos(90, 100, 60), 0);  // out of order: at once
}

TEST(DispatchQueue, ASecondRequestOfASessionWaitsForTheFirst) {
  DispatchQueue queue(10);
  for (const uint64_t session : {1, 1, 2, 0, 0}) {
    Request request;
    request.session = session;
    request.turn = static_cast<uint32_t>(session);
    queue.Push({request, 0});
  }
  queue.Close();
  std::vector<uint64_t> order;
  DispatchQueue::Item first;
  ASSERT_TRUE(queue.Pop(first));
  DispatchQueue::Item item;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(queue.Pop(item));
    order.push_back(item.request.session);
  }
  queue.Done(first);
  ASSERT_TRUE(queue.Pop(item));
  order.push_back(item.request.session);

  EXPECT_THAT(order, ElementsAre(2, 0, 0, 1));
  EXPECT_FALSE(queue.Pop(item));
}

TEST(Payload, DiffersByBlockPartAndLength) {
  const std::set<uint64_t> seeds = {PayloadSeed(1, 0, 4096), PayloadSeed(2, 0, 4096),
                                    PayloadSeed(1, 1, 4096), PayloadSeed(1, 0, 8192)};

  EXPECT_EQ(seeds.size(), 4u);
}

TEST(Payload, IsCheckedToTheLastByteOfOddLengths) {
  for (const size_t size : {1u, 7u, 8u, 9u, 4095u, 4096u, 4097u, 12345u}) {
    std::vector<uint8_t> bytes(size);
    FillPayload(42, absl::MakeSpan(bytes));

    EXPECT_EQ(CountWrongBytes(42, bytes), 0u) << size;
    bytes.back() ^= 0x80;
    EXPECT_EQ(CountWrongBytes(42, bytes), 1u) << size;
    bytes.back() ^= 0x80;
    bytes.front() ^= 1;
    EXPECT_EQ(CountWrongBytes(42, bytes), 1u) << size;
  }
}

TEST(Payload, AnotherBlocksBytesAreAlmostAllWrong) {
  std::vector<uint8_t> bytes(65536);
  FillPayload(PayloadSeed(1, 0, 65536), absl::MakeSpan(bytes));

  EXPECT_GT(CountWrongBytes(PayloadSeed(2, 0, 65536), bytes), 65000u);
}

// The formula must not change: blocks that an earlier version put are still to be verified.
TEST(Payload, HasTheBytesItAlwaysHad) {
  std::vector<uint8_t> bytes(16);
  FillPayload(PayloadSeed(7, 0, 4096), absl::MakeSpan(bytes));
  uint64_t words[2];
  std::memcpy(words, bytes.data(), sizeof words);

  EXPECT_EQ(words[0], 18020567288523187780u);
  EXPECT_EQ(words[1], 15185210632020058615u);
}

TEST(ReplayReport, WithoutTheDaemonsCountersTheyAreNotKnown) {
  ReplayResult result;
  result.tally.categories["chat/1"] = {.requests = 2, .blocks = 8, .dram_hit_blocks = 2};

  const std::string with = RenderCsv(MakeReplayReport(result, DaemonWork{.demoted_blocks = 5}));
  const std::string without = RenderCsv(MakeReplayReport(result, std::nullopt));

  EXPECT_THAT(with, testing::HasSubstr("replay,0,prefix_hit_ratio,0.25\r\n"));
  EXPECT_THAT(with, testing::HasSubstr("replay,0,demoted_to_ssd,5\r\n"));
  EXPECT_THAT(without, testing::HasSubstr("replay,0,demoted_to_ssd,\r\n"));
  EXPECT_THAT(without, testing::HasSubstr("replay,0,wrong_bytes,0\r\n"));
}

TEST(ReplayTally, TooManyCategoriesAreOneLine) {
  Tally tally;
  for (int i = 0; i < 100; ++i) Named(tally.categories, std::to_string(i)).requests = 1;

  EXPECT_LE(tally.categories.size(), Tally::kMaxNames + 1);
  EXPECT_EQ(Named(tally.categories, "0").requests, 1u);
}

}  // namespace
}  // namespace halflife::tools
