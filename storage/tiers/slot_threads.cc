#include "storage/tiers/slot_threads.h"

#include <utility>

#include "common/mutex.h"

namespace halflife {
namespace {

using StuckCount = std::shared_ptr<std::atomic<size_t>>;

// What a lane shares with its tasks, which may outlive it.
class Inbox {
 public:
  explicit Inbox(StuckCount stuck) : stuck_(std::move(stuck)) {}

  bool abandoned() {
    MutexLock lock(mutex_);
    return abandoned_;
  }
  void NoteStarted() {
    MutexLock lock(mutex_);
    ++started_;
  }
  void NoteNotStarted() {
    MutexLock lock(mutex_);
    --started_;
  }
  // Once per transfer, whether its lane still wants it or not.
  void End(SlotLane::Ended ended) {
    {
      MutexLock lock(mutex_);
      --started_;
      if (!abandoned_) ended_.push_back(std::move(ended));
    }
    if (ended.transfer != nullptr) {  // nobody waits for it
      ended.transfer.reset();
      stuck_->fetch_sub(1, std::memory_order_relaxed);
    }
    some_ended_.NotifyOne();
  }
  std::vector<SlotLane::Ended> Await(absl::Duration timeout) {
    std::vector<SlotLane::Ended> ended;
    MutexLock lock(mutex_);
    while (ended_.empty() && some_ended_.WaitFor(mutex_, timeout)) {
    }
    ended.swap(ended_);
    return ended;
  }
  void Abandon() {
    MutexLock lock(mutex_);
    abandoned_ = true;
    stuck_->fetch_add(started_, std::memory_order_relaxed);
  }

 private:
  const StuckCount stuck_;

  Mutex mutex_;
  CondVar some_ended_;
  std::vector<SlotLane::Ended> ended_ ABSL_GUARDED_BY(mutex_);
  size_t started_ ABSL_GUARDED_BY(mutex_) = 0;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
};

// One transfer on its way through the executor; ends when its task has run or was dropped.
class Job {
 public:
  Job(SlotIo& io, std::shared_ptr<Inbox> inbox, std::unique_ptr<SlotTransfer> transfer)
      : io_(io), inbox_(std::move(inbox)), transfer_(std::move(transfer)) {}
  ~Job() {
    if (transfer_ != nullptr) inbox_->End({std::move(transfer_), -ECANCELED});
  }

  void Run() {
    const ssize_t result = inbox_->abandoned() ? -ECANCELED : io_.Transfer(transfer_->bytes_now());
    inbox_->End({std::move(transfer_), result});
  }
  std::unique_ptr<SlotTransfer> TakeBack() { return std::move(transfer_); }

 private:
  SlotIo& io_;
  const std::shared_ptr<Inbox> inbox_;
  std::unique_ptr<SlotTransfer> transfer_;
};

class ThreadsLane final : public SlotLane {
 public:
  ThreadsLane(SlotIo& io, Executor& executor, StuckCount stuck)
      : io_(io), executor_(executor), inbox_(std::make_shared<Inbox>(std::move(stuck))) {}
  ~ThreadsLane() override { inbox_->Abandon(); }

  bool Start(std::unique_ptr<SlotTransfer>& transfer) override {
    const auto job = std::make_shared<Job>(io_, inbox_, std::move(transfer));
    inbox_->NoteStarted();
    if (executor_.Submit([job] { job->Run(); })) return true;
    inbox_->NoteNotStarted();
    transfer = job->TakeBack();
    return false;
  }
  void Flush() override {}
  std::vector<Ended> Await(absl::Duration timeout) override { return inbox_->Await(timeout); }

 private:
  SlotIo& io_;
  Executor& executor_;
  const std::shared_ptr<Inbox> inbox_;
};

}  // namespace

std::unique_ptr<SlotLane> SlotThreads::OpenLane(absl::Duration timeout) {
  return std::make_unique<ThreadsLane>(io_, executor_, stuck_);
}

}  // namespace halflife
