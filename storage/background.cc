#include "storage/background.h"

#include <utility>

#include "common/clock.h"

namespace halflife {

void Background::Start(absl::Duration interval) {
  auto task =
      std::make_shared<PeriodicTask>("hl-background", interval, [this] { return RunStep(); });
  MutexLock lock(mutex_);
  task_ = std::move(task);
}

void Background::Stop() {
  std::shared_ptr<PeriodicTask> task;
  {
    MutexLock lock(mutex_);
    task = std::move(task_);
  }
  if (task != nullptr) task->Stop();
}

void Background::Wake() {
  std::shared_ptr<PeriodicTask> task;
  {
    MutexLock lock(mutex_);
    task = task_;
  }
  if (task != nullptr) task->Wake();
}

bool Background::RunStep() {
  bool more = false;
  {
    MutexLock lock(mutex_);
    while (busy_) changed_.Wait(mutex_);
    busy_ = true;
    ++begun_;
  }
  more = step_();
  {
    MutexLock lock(mutex_);
    busy_ = false;
    ++ended_;
  }
  changed_.NotifyAll();
  return more;
}

void Background::RunAlone(const std::function<void()>& work) {
  {
    MutexLock lock(mutex_);
    while (busy_) changed_.Wait(mutex_);
    busy_ = true;
  }
  work();
  {
    MutexLock lock(mutex_);
    busy_ = false;
  }
  changed_.NotifyAll();
}

void Background::AwaitStep(absl::Duration timeout) {
  const absl::Duration deadline = Clock::Real().Now() + timeout;
  uint64_t wanted = 0;
  std::shared_ptr<PeriodicTask> task;
  {
    MutexLock lock(mutex_);
    task = task_;
    wanted = begun_ + 1;
  }
  if (task == nullptr) {
    RunStep();
    return;
  }
  task->Wake();
  MutexLock lock(mutex_);
  while (ended_ < wanted) {
    const absl::Duration left = deadline - Clock::Real().Now();
    if (left <= absl::ZeroDuration()) return;
    changed_.WaitFor(mutex_, left);
  }
}

}  // namespace halflife
