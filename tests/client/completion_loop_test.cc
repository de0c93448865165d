#include "client/src/completion_loop.h"

#include <grpcpp/alarm.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "client/src/latch.h"
#include "common/clock.h"
#include "common/executor.h"

namespace halflife::client {
namespace {

// An event that says on which thread it was handled.
class Note final : public CompletionTag {
 public:
  Note(
      bool for_anybody, std::function<void()> then = [] {})
      : for_anybody_(for_anybody), then_(std::move(then)) {}

  bool is_for_anybody() const override { return for_anybody_; }
  void OnEvent(bool /*ok*/) override {
    then_();
    handled_by_.Set(std::this_thread::get_id());
  }
  std::thread::id HandledBy() { return handled_by_.Wait(); }

 private:
  const bool for_anybody_;
  const std::function<void()> then_;
  Latch<std::thread::id> handled_by_;
};

class CompletionLoopTest : public testing::Test {
 protected:
  ~CompletionLoopTest() override {
    if (!started_) Start();
    loop_.RefuseRpcs();
    loop_.Shutdown();
    library_.Drain();
  }
  // Until then nobody polls but callers.
  void Start() {
    started_ = true;
    ASSERT_TRUE(library_.Submit([this] { loop_.Run(); }));
  }
  void Send(grpc::Alarm& alarm, Note& note) {
    alarm.Set(loop_.queue(), gpr_now(GPR_CLOCK_MONOTONIC), note.tag());
  }
  static int64_t Soon() { return Clock::Real().NowNanos() + int64_t{60} * 1'000'000'000; }
  static void Never() { FAIL() << "cut before its deadline"; }

  CompletionLoop loop_;
  ThreadPool library_{{.name = "loop-test", .threads = 1, .queue_limit = 1}};
  ThreadPool callers_{{.name = "loop-callers", .threads = 2, .queue_limit = 2}};
  bool started_ = false;
};

TEST_F(CompletionLoopTest, ACallerHandlesWhatItWaitsForOnItsOwnThread) {
  CompletionLoop::Caller caller(loop_);
  Start();
  Note note(true, [&] { caller.SetEnded(); });
  grpc::Alarm alarm;
  Send(alarm, note);

  caller.Wait(Soon(), Never);

  EXPECT_EQ(note.HandledBy(), std::this_thread::get_id());
}

TEST_F(CompletionLoopTest, ACallerLeavesEventsThatMayRunOthersCodeToTheLibrary) {
  CompletionLoop::Caller caller(loop_);
  Start();
  Note note(false, [&] { caller.SetEnded(); });
  grpc::Alarm alarm;
  Send(alarm, note);

  caller.Wait(Soon(), Never);

  EXPECT_NE(note.HandledBy(), std::this_thread::get_id());
}

TEST_F(CompletionLoopTest, WithoutCallersTheLibraryHandlesEverything) {
  Start();
  for (const bool for_anybody : {true, false}) {
    Note note(for_anybody);
    grpc::Alarm alarm;
    Send(alarm, note);
    EXPECT_NE(note.HandledBy(), std::this_thread::get_id());
  }
}

TEST_F(CompletionLoopTest, TheLibraryTakesOverWhenTheLastCallerHasGone) {
  Start();
  {
    CompletionLoop::Caller caller(loop_);
    caller.SetEnded();
    caller.Wait(Soon(), Never);
  }
  Note note(true);
  grpc::Alarm alarm;
  Send(alarm, note);

  EXPECT_NE(note.HandledBy(), std::this_thread::get_id());
}

// A thread inside gRPC cannot be asked to step aside: the caller's events would be handed over.
TEST_F(CompletionLoopTest, AnIdleLibraryLeavesTheQueueToTheNextCaller) {
  Start();
  Note before(true);
  grpc::Alarm alarm_before;
  Send(alarm_before, before);
  before.HandledBy();
  CompletionLoop::Caller caller(loop_);
  Note note(true, [&] { caller.SetEnded(); });
  grpc::Alarm alarm;
  Send(alarm, note);

  caller.Wait(Soon(), Never);

  EXPECT_EQ(note.HandledBy(), std::this_thread::get_id());
}

TEST_F(CompletionLoopTest, ACallerReturnsWhenItsEndIsToldElsewhere) {
  CompletionLoop::Caller caller(loop_);
  ASSERT_TRUE(callers_.Submit([&] { caller.SetEnded(); }));

  caller.Wait(Soon(), Never);
}

TEST_F(CompletionLoopTest, ACallerThatPollsCutsItsCallAtTheDeadline) {
  CompletionLoop::Caller caller(loop_);
  std::vector<std::thread::id> cut_by;

  caller.Wait(Clock::Real().NowNanos() + 1'000'000, [&] {
    cut_by.push_back(std::this_thread::get_id());
    caller.SetEnded();
  });

  EXPECT_EQ(cut_by, std::vector{std::this_thread::get_id()});
}

TEST_F(CompletionLoopTest, ACallerThatSleepsCutsItsCallAtTheDeadline) {
  CompletionLoop::Caller polling(loop_);
  CompletionLoop::Caller sleeping(loop_);
  Latch<bool> polls;
  Note note(true, [&] { polls.Set(true); });
  grpc::Alarm alarm;
  Send(alarm, note);
  ASSERT_TRUE(callers_.Submit([&] { polling.Wait(Soon(), Never); }));
  polls.Wait();
  std::vector<std::thread::id> cut_by;

  sleeping.Wait(Clock::Real().NowNanos() + 1'000'000, [&] {
    cut_by.push_back(std::this_thread::get_id());
    sleeping.SetEnded();
  });

  EXPECT_EQ(cut_by, std::vector{std::this_thread::get_id()});
  polling.SetEnded();
  callers_.Drain();
}

TEST_F(CompletionLoopTest, ACallThatEndsElsewhereWhileItIsCutIsWaitedFor) {
  CompletionLoop::Caller caller(loop_);
  int cuts = 0;

  // Another thread was first, and tells the end only later.
  caller.Wait(Clock::Real().NowNanos(), [&] {
    ++cuts;
    ASSERT_TRUE(callers_.Submit([&] { caller.SetEnded(); }));
  });

  EXPECT_EQ(cuts, 1);
}

TEST_F(CompletionLoopTest, TheTurnToPollGoesOnToACallerThatStillWaits) {
  CompletionLoop::Caller first(loop_);
  CompletionLoop::Caller second(loop_);
  Latch<std::thread::id> second_thread;
  Note for_second(true, [&] { second.SetEnded(); });
  Note for_first(true, [&] { first.SetEnded(); });
  ASSERT_TRUE(callers_.Submit([&] {
    second.Wait(Soon(), Never);
    second_thread.Set(std::this_thread::get_id());
  }));
  grpc::Alarm alarm_of_first;
  Send(alarm_of_first, for_first);
  first.Wait(Soon(), Never);
  // Nobody else polls: this thread has returned, and the library was never started.
  grpc::Alarm alarm_of_second;
  Send(alarm_of_second, for_second);

  EXPECT_EQ(for_second.HandledBy(), second_thread.Wait());
}

// Ends and turns cross each other in every order; a turn that gets lost leaves callers asleep.
TEST_F(CompletionLoopTest, NoCallerIsForgottenAmongMany) {
  constexpr int kThreads = 4, kCalls = 500;
  Start();
  ThreadPool threads({.name = "loop-many", .threads = kThreads, .queue_limit = kThreads});
  std::atomic<int> ended{0};
  for (int t = 0; t < kThreads; ++t) {
    ASSERT_TRUE(threads.Submit([&] {
      for (int i = 0; i < kCalls; ++i) {
        CompletionLoop::Caller caller(loop_);
        Note note(true, [&] { caller.SetEnded(); });
        grpc::Alarm alarm;
        Send(alarm, note);
        caller.Wait(Soon(), Never);
        note.HandledBy();
      }
      ended += kCalls;
    }));
  }
  threads.Drain();

  EXPECT_EQ(ended, kThreads * kCalls);
}

TEST_F(CompletionLoopTest, RefusesRpcsAndWaitsForThoseThatWereClaimed) {
  ASSERT_TRUE(loop_.BeginRpc());
  loop_.RefuseRpcs();
  EXPECT_FALSE(loop_.BeginRpc());
  ASSERT_TRUE(callers_.Submit([&] { loop_.EndRpc(); }));

  loop_.WaitForRpcs();
}

}  // namespace
}  // namespace halflife::client
