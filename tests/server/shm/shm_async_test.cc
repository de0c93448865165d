#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <optional>

#include "client/include/halflife/client.h"
#include "client/src/latch.h"
#include "client/src/shm_workers.h"
#include "tests/client/client_fixture.h"
#include "tests/fakes/manual_clock.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/shm_node.h"

namespace halflife::client {
namespace {

class ShmAsync : public testing::Test {
 protected:
  void Start(Options options = {}) {
    node_.emplace(directory_.socket());
    const Options patient = Patient(directory_.endpoint());
    options.endpoint = patient.endpoint;
    options.lookup_budget = patient.lookup_budget;
    options.get_budget = patient.get_budget;
    options.put_budget = patient.put_budget;
    client_ = Client::Open(options);
    ASSERT_TRUE(client_->AwaitSharedMemory(std::chrono::seconds(20)));
    ns_ = client_->OpenNamespace(SmallNamespace());
    const auto nothing = Chain(4711, 1);
    ASSERT_EQ(client_->Lookup(LookupOf(ns_, nothing)).outcome, Outcome::kOk);
  }

  SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::unique_ptr<Client> client_;
  NamespaceHandle ns_;
};

TEST_F(ShmAsync, AsynchronousCallsGoThroughSharedMemoryToo) {
  Start();
  Buffers from(Chain(1, 16)), into(Chain(1, 16));
  from.FillWithPayload();
  Latch<PutResult> put;
  client_->PutAsync(PutOf(ns_, from), [&](PutResult result) { put.Set(std::move(result)); });
  EXPECT_EQ(put.Wait().stored, 16u);

  Latch<GetResult> got;
  client_->GetAsync(GetOf(ns_, into), [&](GetResult result) { got.Set(std::move(result)); });

  EXPECT_EQ(got.Wait().ok_items, 16u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->stats().shm_puts, 1u);
  EXPECT_EQ(client_->stats().shm_gets, 1u);
}

TEST_F(ShmAsync, SeveralThreadsCopyOneGet) {
  Start({.copy_threads = 4});
  Buffers from(Chain(2, 128)), into(Chain(2, 128));
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns_, from)).stored, 128u);

  for (int i = 0; i < 20; ++i) ASSERT_EQ(client_->Get(GetOf(ns_, into)).ok_items, 128u);

  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->stats().shm_gets, 20u);
}

TEST_F(ShmAsync, ManyAtOnceAllEndWhicheverWayTheyGo) {
  Start({.copy_threads = 2});
  Buffers from(Chain(3, 32));
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns_, from)).stored, 32u);
  constexpr int kCalls = 200;
  std::deque<Buffers> targets;  // they must not move: their segments point into them
  for (int i = 0; i < kCalls; ++i) targets.emplace_back(Chain(3, 32));
  std::atomic<int> whole{0};
  const uint64_t before = client_->stats().shm_gets;

  for (const Buffers& target : targets) {
    client_->GetAsync(GetOf(ns_, target),
                      [&](GetResult result) { whole += result.ok_items == 32 ? 1 : 0; });
  }
  client_->Drain();

  EXPECT_EQ(whole, kCalls);
  EXPECT_GT(client_->stats().shm_gets, before);
}

TEST_F(ShmAsync, TheEndOfTheClientEndsWhatIsUnderWay) {
  Start();
  Buffers from(Chain(4, 64)), into(Chain(4, 64));
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns_, from)).stored, 64u);
  std::atomic<int> ended{0};
  constexpr int kCalls = 50;
  for (int i = 0; i < kCalls; ++i) {
    client_->GetAsync(GetOf(ns_, into), [&](GetResult) { ++ended; });
  }

  client_.reset();

  EXPECT_EQ(ended, kCalls);
}

TEST(ShmWorkers, WorkThatIsNotBegunInTimeIsLateInsteadAndNeverBoth) {
  BudgetTimer timer(&Clock::Real());
  ThreadPool timer_thread({.name = "timer", .threads = 1});
  ASSERT_TRUE(timer_thread.Submit([&] { timer.Run(); }));
  ShmWorkers workers(1, &timer, &Clock::Real());
  Latch<bool> busy, go_on;
  ASSERT_TRUE(workers.Submit(
      absl::Seconds(20),
      [&](absl::Duration) {
        busy.Set(true);
        go_on.Wait();
      },
      [] { FAIL(); }));
  busy.Wait();

  std::atomic<int> worked{0};
  Latch<bool> late;
  ASSERT_TRUE(workers.Submit(
      absl::Milliseconds(1), [&](absl::Duration) { ++worked; }, [&] { late.Set(true); }));
  late.Wait();
  go_on.Set(true);
  workers.WaitUntilQuiet();
  workers.Stop();

  EXPECT_EQ(worked, 0);
  EXPECT_FALSE(workers.Submit(
      absl::Seconds(1), [](absl::Duration) { FAIL(); }, [] { FAIL(); }));
  timer.Stop();
  timer_thread.Drain();
}

TEST(ShmWorkers, TooMuchWaitingIsRefused) {
  BudgetTimer timer(&Clock::Real());
  ShmWorkers workers(1, &timer, &Clock::Real());
  Latch<bool> busy, go_on;
  ASSERT_TRUE(workers.Submit(
      absl::Seconds(20),
      [&](absl::Duration) {
        busy.Set(true);
        go_on.Wait();
      },
      [] {}));
  busy.Wait();
  int taken = 0;
  const auto nothing = [](absl::Duration) {};
  while (taken < 100 && workers.Submit(absl::Seconds(20), nothing, [] {})) ++taken;
  go_on.Set(true);

  EXPECT_EQ(taken, 4);
}

TEST(ShmWorkers, ForEachRunsEachOnceWhoeverHelps) {
  BudgetTimer timer(&Clock::Real());
  ShmWorkers workers(3, &timer, &Clock::Real());
  for (const size_t count : {size_t{1}, size_t{2}, size_t{1000}}) {
    std::vector<std::atomic<int>> runs(count);
    workers.ForEach(count, [&](size_t i) { ++runs[i]; });
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(runs[i], 1) << i;
  }
}

}  // namespace
}  // namespace halflife::client
