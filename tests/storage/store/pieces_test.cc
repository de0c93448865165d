// The small pieces of the store, each on its own.

#include <set>
#include <thread>

#include "gmock/gmock.h"
#include "storage/background.h"
#include "storage/put_waiters.h"
#include "storage/read_flights.h"
#include "storage/removal_memory.h"
#include "storage/residency/category_table.h"
#include "storage/residency/change_queue.h"
#include "storage/residency/room_demand.h"
#include "storage/residency/unreachable_sweep.h"
#include "tests/fakes/manual_executor.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

BlockKey Key(uint64_t i) {
  BlockKey key;
  std::memcpy(key.block.data(), Sha256Of(std::to_string(i)).data(), 16);
  return key;
}

// --- CategoryTable

TEST(CategoryTable, AppTurnAndPreviousStopReasonMakeACategory) {
  CategoryTable table;
  const auto name = [&](const RequestAttributes& attributes) {
    const Category category = table.CategoryOf(attributes);
    return table.Names()[category];
  };

  EXPECT_EQ(name(Attributes("chat", 1)), "chat/1");
  EXPECT_EQ(name(Attributes("chat", 2)), "chat/2");
  EXPECT_EQ(name(Attributes("chat", 4)), "chat/3-4");
  EXPECT_EQ(name(Attributes("chat", 8)), "chat/5-8");
  EXPECT_EQ(name(Attributes("chat", 99)), "chat/9+");
  EXPECT_EQ(name(Attributes("chat", 0)), "chat");
  EXPECT_EQ(name(Attributes("mine", 1)), "mine/1");
  EXPECT_EQ(name(Attributes("", 3)), "unknown/3-4");
  EXPECT_EQ(table.CategoryOf({}), kUnknownCategory);
  RequestAttributes after_tool = Attributes("agent", 5);
  after_tool.stop_reason = "tool_use";
  EXPECT_EQ(name(after_tool), "agent/5-8/tool_use");
}

TEST(CategoryTable, StopReasonsLeaveRoomForAppsAndFallBackToTheirTurn) {
  CategoryTable table;
  const auto name = [&](const RequestAttributes& attributes) {
    const Category category = table.CategoryOf(attributes);
    return table.Names()[category];
  };
  RequestAttributes attributes = Attributes("chat", 1);
  for (int i = 0; i < 100; ++i) {
    attributes.stop_reason = "stop" + std::to_string(i);
    table.CategoryOf(attributes);
  }

  EXPECT_EQ(name(attributes), "chat/1");
  EXPECT_EQ(name(Attributes("mine", 1)), "mine/1");
  attributes.app = "new";
  EXPECT_EQ(name(attributes), "new/1");
}

TEST(CategoryTable, AStopReasonAloneThatFindsNoRoomIsUnknown) {
  CategoryTable table;
  RequestAttributes attributes;
  for (int i = 0; i < kMaxCategories; ++i) {
    attributes.stop_reason = "stop" + std::to_string(i);
    const Category category = table.CategoryOf(attributes);
    // Whatever is counted under a number has a name.
    ASSERT_LT(category, table.Names().size()) << i;
  }

  EXPECT_EQ(table.CategoryOf(attributes), kUnknownCategory);
}

TEST(CategoryTable, WhenItIsFullNewAppsAreOther) {
  CategoryTable table;
  for (int i = 0; i < 100; ++i) table.CategoryOf(Attributes("app" + std::to_string(i)));

  EXPECT_EQ(table.Names().size(), size_t{kMaxCategories});
  EXPECT_EQ(table.Names().back(), "other");
  EXPECT_EQ(table.CategoryOf(Attributes("one more")), kMaxCategories - 1);
  EXPECT_EQ(table.Names()[table.CategoryOf(Attributes("app0"))], "app0/1");
  EXPECT_EQ(table.Names()[table.CategoryOf(Attributes("chat"))], "chat/1");
}

TEST(CategoryTable, WhatIsPinnedComesBeforeAppTurnAndStopReason) {
  CategoryTable table(
      *PinnedCategories::Parse("vip: tenant=acme turn=3-8; batch: label.job=nightly|weekly; vip: "
                               "type=demo; none: type=unknown stop=tool_use"));
  NamespaceDescriptor acme;
  acme.tenant = "acme";
  const auto name = [&](const RequestAttributes& attributes, const NamespaceDescriptor* ns) {
    const Category category = table.CategoryOf(attributes, ns);
    return table.Names()[category];
  };
  RequestAttributes nightly = Attributes("chat", 1);
  nightly.labels = {{"user", "x"}, {"job", "nightly"}};
  RequestAttributes after_tool;
  after_tool.stop_reason = "tool_use";

  EXPECT_EQ(name(Attributes("chat", 3), &acme), "pin vip");
  EXPECT_EQ(name(Attributes("chat", 9), &acme), "chat/9+");
  EXPECT_EQ(name(Attributes("chat", 3), nullptr), "chat/3-4");
  EXPECT_EQ(name(Attributes("demo", 1), nullptr), "pin vip");
  EXPECT_EQ(name(nightly, nullptr), "pin batch");
  EXPECT_EQ(name(after_tool, nullptr), "pin none");
  EXPECT_EQ(name(Attributes("pin vip", 1), nullptr), "unknown");
}

TEST(CategoryTable, APinnedCategoryDoesNotComeBackFromDisk) {
  CategoryTable table(*PinnedCategories::Parse("vip: type=chat"));

  EXPECT_EQ(CategoryTable::Persisted(table.CategoryOf(Attributes("chat"))), kUnknownCategory);
}

TEST(CategoryTable, OnlyNumbersThatMeanTheSameEverywhereComeBackFromDisk) {
  CategoryTable table;
  const Category chat = table.CategoryOf(Attributes("chat"));
  const Category learnt = table.CategoryOf(Attributes("mine"));

  EXPECT_EQ(CategoryTable::Persisted(chat), chat);
  EXPECT_EQ(CategoryTable::Persisted(learnt), kUnknownCategory);
  EXPECT_EQ(CategoryTable::Persisted(65535), kUnknownCategory);
}

TEST(CategoryTable, ThreadsThatLearnAtOnceAgree) {
  CategoryTable table;
  std::array<std::array<Category, 10>, 4> learnt{};
  std::vector<std::thread> threads;
  for (auto& mine : learnt) {
    threads.emplace_back([&table, &mine] {
      for (int i = 0; i < 10; ++i) mine[i] = table.CategoryOf(Attributes("x" + std::to_string(i)));
    });
  }
  for (std::thread& thread : threads) thread.join();

  for (int t = 1; t < 4; ++t) EXPECT_EQ(learnt[t], learnt[0]);
}

// --- RemovalMemory

TEST(RemovalMemory, RemembersTheLastReasonAndForgetsOnRequest) {
  RemovalMemory memory;
  memory.Remember(Key(1), MissReason::kEvicted, 0);
  memory.Remember(Key(1), MissReason::kCorrupt, 0);

  EXPECT_EQ(memory.ReasonOf(Key(1)), MissReason::kCorrupt);
  EXPECT_EQ(memory.ReasonOf(Key(2)), MissReason::kNeverSeen);
  EXPECT_EQ(memory.Forget(Key(2), 0).reason, MissReason::kNeverSeen);
  EXPECT_EQ(memory.Forget(Key(1), 0).reason, MissReason::kCorrupt);
  EXPECT_EQ(memory.ReasonOf(Key(1)), MissReason::kNeverSeen);
}

TEST(RemovalMemory, TellsHowLongAgoAlsoWhenItsSecondsWrap) {
  constexpr int64_t kSecondNs = 1'000'000'000;
  constexpr int64_t kWrapS = int64_t{1} << 24;
  for (const int64_t since_s : {int64_t{0}, int64_t{100}, kWrapS - 1, 5 * kWrapS + 3}) {
    RemovalMemory memory;
    memory.Remember(Key(1), MissReason::kEvicted, since_s * kSecondNs);

    EXPECT_EQ(memory.Forget(Key(1), (since_s + 90) * kSecondNs).age_s, 90) << since_s;
  }
}

TEST(RemovalMemory, AKeyInTheSamePlaceIsNotMistakenForTheOther) {
  RemovalMemory memory(/*log2_places=*/0);  // one place for all
  memory.Remember(Key(1), MissReason::kEvicted, 0);

  EXPECT_EQ(memory.ReasonOf(Key(2)), MissReason::kNeverSeen);
  memory.Forget(Key(2), 0);
  EXPECT_EQ(memory.ReasonOf(Key(1)), MissReason::kEvicted);
  memory.Remember(Key(2), MissReason::kExpired, 0);
  EXPECT_EQ(memory.ReasonOf(Key(1)), MissReason::kNeverSeen);
}

// --- ChangeQueue

TEST(ChangeQueue, GivesWhatWasPushedAndThenNothing) {
  ChangeQueue queue;
  const std::vector<BlockKey> keys = {Key(1), Key(2)};
  queue.PushChanged(keys);
  EXPECT_FALSE(queue.PushTouch({5, 1, 2, keys}));
  EXPECT_FALSE(queue.empty());

  const ChangeQueue::Batch batch = queue.Take();

  EXPECT_EQ(batch.changed, keys);
  ASSERT_EQ(batch.touches.size(), 1u);
  EXPECT_EQ(batch.touches[0].keys, keys);
  EXPECT_FALSE(batch.overflowed);
  EXPECT_TRUE(queue.empty());
}

TEST(ChangeQueue, TheLastChangeFitsAndTheNextIsAnOverflow) {
  ChangeQueue queue({.changed_keys = 2, .touched_keys = 2});
  const BlockKey key = Key(1);
  queue.PushChanged({&key, 1});
  queue.PushChanged({&key, 1});
  EXPECT_FALSE(queue.Take().overflowed);

  for (int i = 0; i < 3; ++i) queue.PushChanged({&key, 1});
  const ChangeQueue::Batch batch = queue.Take();
  EXPECT_EQ(batch.changed.size(), 2u);
  EXPECT_TRUE(batch.overflowed);
  EXPECT_FALSE(queue.Take().overflowed);
}

TEST(ChangeQueue, TouchesBeyondTheLimitAreDroppedAndCounted) {
  ChangeQueue queue({.changed_keys = 2, .touched_keys = 3});
  const std::vector<BlockKey> keys = {Key(1), Key(2)};
  EXPECT_FALSE(queue.PushTouch({5, 1, 2, keys}));
  EXPECT_FALSE(queue.PushTouch({6, 1, 2, keys}));
  EXPECT_FALSE(queue.PushTouch({7, 1, 1, {Key(3)}}));

  EXPECT_EQ(queue.touches_dropped(), 1u);
  EXPECT_EQ(queue.Take().touches.size(), 2u);
}

TEST(ChangeQueue, ATouchThatFillsABatchSaysSoAndThoseInBetweenDoNot) {
  ChangeQueue queue({.batch_keys = 4});
  const std::vector<BlockKey> keys = {Key(1), Key(2)};

  EXPECT_FALSE(queue.PushTouch({5, 1, 2, keys}));
  EXPECT_TRUE(queue.PushTouch({6, 1, 2, keys}));
  EXPECT_FALSE(queue.PushTouch({7, 1, 2, keys}));
  EXPECT_TRUE(queue.PushTouch({8, 1, 2, keys}));

  EXPECT_EQ(queue.Take().touches.size(), 4u);
  EXPECT_FALSE(queue.PushTouch({9, 1, 2, keys}));
}

// --- RoomDemand

TEST(RoomDemand, SizesThatAreWaitedForComeFirstAndUnusedOnesAreForgotten) {
  RoomDemand demand;
  demand.Use(100, 0);
  demand.Use(200, 0);
  demand.Want(200, 0);
  demand.Want(200, 0);

  auto sizes = demand.Snapshot(0);
  ASSERT_EQ(sizes.size(), 2u);
  EXPECT_EQ(sizes[0].payload_bytes, 200u);
  EXPECT_EQ(sizes[0].wanted_bytes, 400u);

  const int64_t later = absl::ToInt64Nanoseconds(absl::Seconds(61));
  sizes = demand.Snapshot(later);
  ASSERT_EQ(sizes.size(), 1u);
  demand.Unwant(200);
  demand.Unwant(200);
  EXPECT_TRUE(demand.Snapshot(later).empty());
}

TEST(RoomDemand, TheRateIsThatOfTheBusierOfTheLastTwoWindows) {
  constexpr int64_t kSecond = 1'000'000'000;
  const auto rate_at = [](RoomDemand& demand, int64_t now_ns) {
    return demand.Snapshot(now_ns).at(0).bytes_per_s;
  };
  RoomDemand demand;
  for (int i = 0; i < 6; ++i) demand.Use(100, kSecond);
  EXPECT_EQ(rate_at(demand, kSecond), 300);

  demand.Use(100, 3 * kSecond);
  EXPECT_EQ(rate_at(demand, 3 * kSecond), 300);
  EXPECT_EQ(rate_at(demand, 5 * kSecond), 50);
  EXPECT_EQ(rate_at(demand, 7 * kSecond), 0);
}

TEST(RoomDemand, TheNumberOfSizesIsBounded) {
  RoomDemand demand;
  for (uint64_t size = 1; size <= 100; ++size) demand.Use(size, 0);

  EXPECT_EQ(demand.Snapshot(0).size(), 64u);
}

// --- PutWaiters

class PutWaitersTest : public ::testing::Test {
 protected:
  void Add(uint64_t bytes, int64_t deadline_ns) {
    PutWaiters::Waiter waiter{Key(1), bytes, deadline_ns, [this, bytes](auto buffer) {
                                answers_.emplace_back(bytes, buffer.status().code());
                              }};
    ASSERT_TRUE(waiters_.Add(waiter));
  }
  // Room for `room` blocks of size 1, none for others.
  size_t Serve(int64_t now_ns, int room) {
    return waiters_.Serve(
        now_ns,
        [&room](const PutWaiters::Waiter& waiter) -> absl::StatusOr<BlockBuffer> {
          if (waiter.payload_bytes == 1 && room-- > 0) return BlockBuffer();
          return absl::ResourceExhaustedError("no");
        },
        [this](const PutWaiters::Waiter& waiter) -> absl::Status {
          if (!worthless_bytes_.contains(waiter.payload_bytes)) return absl::OkStatus();
          return absl::FailedPreconditionError("not worth it");
        },
        [](const PutWaiters::Waiter&, const absl::Status&) {});
  }

  using Answer = std::pair<uint64_t, absl::StatusCode>;
  PutWaiters waiters_;
  std::set<uint64_t> worthless_bytes_;
  std::vector<Answer> answers_;
};

TEST_F(PutWaitersTest, WhoIsNotWorthTheRoomHearsItAtOnceAlsoBehindOthersThatWait) {
  Add(1, 100);
  Add(2, 100);
  Add(2, 100);
  worthless_bytes_ = {2};

  EXPECT_EQ(Serve(10, 0), 2u);

  const Answer refused = {2, absl::StatusCode::kFailedPrecondition};
  EXPECT_EQ(answers_, std::vector<Answer>({refused, refused}));
  EXPECT_FALSE(waiters_.empty());
}

TEST_F(PutWaitersTest, NobodyIsJudgedWhereThereIsRoom) {
  Add(1, 100);
  worthless_bytes_ = {1};

  EXPECT_EQ(Serve(10, 1), 1u);

  EXPECT_EQ(answers_, std::vector<Answer>({{1, absl::StatusCode::kOk}}));
}

TEST_F(PutWaitersTest, OneSizeWithoutRoomDoesNotHoldUpAnother) {
  Add(2, 100);
  Add(1, 100);
  Add(1, 100);

  EXPECT_EQ(Serve(10, 1), 1u);

  EXPECT_EQ(answers_, std::vector<Answer>({{1, absl::StatusCode::kOk}}));
  EXPECT_FALSE(waiters_.empty());
}

TEST_F(PutWaitersTest, ADeadlineIsAnAnswerAtItsInstant) {
  Add(2, 100);

  EXPECT_EQ(Serve(99, 0), 0u);
  EXPECT_EQ(Serve(100, 0), 1u);

  EXPECT_EQ(answers_, std::vector<Answer>({{2, absl::StatusCode::kResourceExhausted}}));
  EXPECT_TRUE(waiters_.empty());
}

TEST_F(PutWaitersTest, TheyKeepTheirOrder) {
  Add(1, 1);
  Add(2, 1);
  EXPECT_EQ(Serve(0, 0), 0u);
  Add(3, 1);

  Serve(1, 0);

  ASSERT_EQ(answers_.size(), 3u);
  EXPECT_EQ(answers_[0].first, 1u);
  EXPECT_EQ(answers_[1].first, 2u);
}

TEST_F(PutWaitersTest, TheLastOneFitsAndTheNextDoesNot) {
  for (size_t i = 0; i < PutWaiters::kMaxWaiters; ++i) Add(2, 100);
  PutWaiters::Waiter waiter{Key(1), 2, 100, [](auto) {}};

  EXPECT_FALSE(waiters_.Add(waiter));

  waiters_.FailAll(absl::UnavailableError("stopping"));
  EXPECT_EQ(answers_.size(), PutWaiters::kMaxWaiters);
  EXPECT_EQ(answers_[0].second, absl::StatusCode::kUnavailable);
}

// --- ReadFlights

TEST(ReadFlights, FollowersGetTheLeadersResult) {
  ReadFlights flights;
  bool leads = false;
  const ReadFlights::FlightRef leader = flights.Join(Key(1), &leads);
  ASSERT_TRUE(leads);
  const ReadFlights::FlightRef follower = flights.Join(Key(1), &leads);
  ASSERT_FALSE(leads);
  flights.Join(Key(2), &leads);
  EXPECT_TRUE(leads);

  absl::StatusOr<BlockRef> result;
  std::thread waiting([&] { result = flights.Wait(follower); });
  flights.Complete(Key(1), leader, absl::DataLossError("damaged"));
  waiting.join();

  EXPECT_TRUE(absl::IsDataLoss(result.status()));
  flights.Join(Key(1), &leads);
  EXPECT_TRUE(leads) << "the flight is over";
}

// --- UnreachableSweep

TEST(UnreachableSweep, GraceBeginsAnewForABlockThatWasReachableBetween) {
  UnreachableSweep sweep;
  constexpr int64_t kGrace = UnreachableSweep::kGraceNs;
  EXPECT_FALSE(sweep.IsUnreachable(Key(1), 0));
  sweep.EndPass();
  EXPECT_FALSE(sweep.IsUnreachable(Key(1), kGrace - 1));
  sweep.EndPass();
  EXPECT_TRUE(sweep.IsUnreachable(Key(1), kGrace));
  sweep.EndPass();
  sweep.EndPass();  // not seen in this one

  EXPECT_FALSE(sweep.any());
  EXPECT_FALSE(sweep.IsUnreachable(Key(1), 2 * kGrace));
}

// --- Background

TEST(Background, AwaitStepSeesAWholeStep) {
  std::atomic<int> steps{0};
  Background background([&steps] {
    ++steps;
    return false;
  });
  background.AwaitStep(absl::Seconds(10));
  EXPECT_EQ(steps, 1) << "without a thread it is run here";

  background.Start(absl::Hours(1));
  const int before = steps;
  background.AwaitStep(absl::Seconds(10));
  EXPECT_GT(steps, before);
  background.Stop();
}

TEST(ManualExecutor, KeepsTasksUntilTheyAreRunAndRefusesWhenFull) {
  ManualExecutor executor(/*queue_limit=*/2);
  int ran = 0;
  EXPECT_TRUE(executor.Submit([&] { ++ran; }));
  EXPECT_TRUE(executor.Submit([&] { ++ran; }));
  EXPECT_FALSE(executor.Submit([&] { ++ran; }));
  EXPECT_EQ(executor.waiting(), 2u);
  EXPECT_EQ(ran, 0);

  EXPECT_EQ(executor.RunAll(), 2u);
  EXPECT_EQ(ran, 2);
}

}  // namespace
}  // namespace halflife
