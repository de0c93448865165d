#include "client/src/budget_timer.h"

#include "common/executor.h"

namespace halflife::client {
namespace {

constexpr int64_t kMs = 1'000'000;

// The timer runs on the real clock, so these tests say what happens and in which order, never when.
class BudgetTimerTest : public testing::Test {
 protected:
  ~BudgetTimerTest() override {
    timer_.Stop();
    thread_.Drain();
  }
  void Start() {
    ASSERT_TRUE(thread_.Submit([this] { timer_.Run(); }));
  }
  int64_t In(int64_t ms) const { return Clock::Real().NowNanos() + ms * kMs; }

  void Note(int number) {
    MutexLock lock(mutex_);
    noted_.push_back(number);
    changed_.NotifyAll();
  }
  std::vector<int> WaitForNotes(size_t count) {
    MutexLock lock(mutex_);
    while (noted_.size() < count) changed_.Wait(mutex_);
    return noted_;
  }

  BudgetTimer timer_{&Clock::Real()};
  ThreadPool thread_{{.name = "timer-test", .threads = 1, .queue_limit = 1}};
  Mutex mutex_;
  CondVar changed_;
  std::vector<int> noted_ ABSL_GUARDED_BY(mutex_);
};

TEST_F(BudgetTimerTest, RunsWhatIsAddedWhileItSleepsWithNothingToDo) {
  Start();
  timer_.Post([this] { Note(0); });
  WaitForNotes(1);

  timer_.Add(timer_.NewKey(In(5)), [this] { Note(1); });

  EXPECT_EQ(WaitForNotes(2), (std::vector<int>{0, 1}));
}

TEST_F(BudgetTimerTest, RunsTasksInTheOrderTheyAreDue) {
  timer_.Add(timer_.NewKey(In(30)), [this] { Note(3); });
  timer_.Add(timer_.NewKey(In(10)), [this] { Note(1); });
  timer_.Add(timer_.NewKey(In(20)), [this] { Note(2); });

  Start();

  EXPECT_EQ(WaitForNotes(3), (std::vector<int>{1, 2, 3}));
}

TEST_F(BudgetTimerTest, AnEarlierTaskWakesItBeforeALaterOne) {
  Start();
  timer_.Add(timer_.NewKey(In(3'600'000)), [this] { Note(2); });
  timer_.Add(timer_.NewKey(In(1)), [this] { Note(1); });

  EXPECT_EQ(WaitForNotes(1), (std::vector<int>{1}));
}

TEST_F(BudgetTimerTest, ACancelledTaskDoesNotRun) {
  const BudgetTimer::Key cancelled = timer_.NewKey(In(1));
  timer_.Add(cancelled, [this] { Note(1); });
  timer_.Add(timer_.NewKey(In(2)), [this] { Note(2); });
  timer_.Cancel(cancelled);
  timer_.Cancel(cancelled);

  Start();

  EXPECT_EQ(WaitForNotes(1), (std::vector<int>{2}));
}

TEST_F(BudgetTimerTest, RunsATaskThatCameWhileItSleptForAnEarlierOneThatWasCancelled) {
  Start();
  timer_.Post([this] { Note(0); });
  WaitForNotes(1);
  const BudgetTimer::Key cancelled = timer_.NewKey(In(10));
  timer_.Add(cancelled, [this] { Note(1); });
  timer_.Cancel(cancelled);

  timer_.Add(timer_.NewKey(In(20)), [this] { Note(2); });

  EXPECT_EQ(WaitForNotes(2), (std::vector<int>{0, 2}));
}

TEST_F(BudgetTimerTest, ATaskMayAddAnother) {
  Start();
  timer_.Post([this] { timer_.Post([this] { Note(1); }); });

  EXPECT_EQ(WaitForNotes(1), (std::vector<int>{1}));
}

TEST_F(BudgetTimerTest, TasksOfOneInstantAllRun) {
  const int64_t due_ns = In(1);
  for (int i = 0; i < 3; ++i) timer_.Add(timer_.NewKey(due_ns), [this, i] { Note(i); });

  Start();

  EXPECT_EQ(WaitForNotes(3), (std::vector<int>{0, 1, 2}));
}

}  // namespace
}  // namespace halflife::client
