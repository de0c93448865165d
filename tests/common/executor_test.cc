#include "common/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace halflife {
namespace {

TEST(ThreadPool, RunsWhatWasSubmittedBeforeDrain) {
  std::atomic<int> ran{0};
  ThreadPool pool({.name = "test", .threads = 2, .queue_limit = 100});
  for (int i = 0; i < 100; ++i) {
    // The limit counts waiting tasks only, so all fit.
    ASSERT_TRUE(pool.Submit([&] { ++ran; }));
  }

  pool.Drain();

  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(pool.Submit([] {}));
}

TEST(ThreadPool, RefusesWhenItsQueueIsFull) {
  ThreadPool pool({.name = "test", .threads = 1, .queue_limit = 2});
  std::promise<void> started, release;
  ASSERT_TRUE(pool.Submit([&] {
    started.set_value();
    release.get_future().wait();
  }));
  started.get_future().wait();

  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_TRUE(pool.Submit([] {}));
  EXPECT_FALSE(pool.Submit([] {}));

  release.set_value();
  pool.Drain();
}

TEST(PeriodicTask, AWakeRunsItLongBeforeItsInterval) {
  std::promise<void> ran;
  std::atomic<bool> once{false};
  PeriodicTask task("test", absl::Hours(1), [&] {
    if (!once.exchange(true)) ran.set_value();
    return false;
  });

  task.Wake();

  EXPECT_EQ(ran.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  task.Stop();
}

TEST(PeriodicTask, GoesOnAtOnceWhileThereIsMore) {
  std::promise<void> done;
  int steps = 0;
  PeriodicTask task("test", absl::Hours(1), [&] {
    if (++steps == 1000) done.set_value();
    return steps < 1000;
  });

  task.Wake();

  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  task.Stop();
}

}  // namespace
}  // namespace halflife
