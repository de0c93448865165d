#include "client/src/budget_timer.h"

#include "absl/time/time.h"

namespace halflife::client {

BudgetTimer::Key BudgetTimer::NewKey(int64_t due_ns) {
  MutexLock lock(mutex_);
  return {due_ns, next_number_++};
}

void BudgetTimer::Add(const Key& key, std::function<void()> task) {
  bool sleeps_too_long = false;
  {
    MutexLock lock(mutex_);
    tasks_.emplace(key, std::move(task));
    sleeps_too_long = key.first < sleeps_until_ns_;
  }
  if (sleeps_too_long) wake_.NotifyOne();
}

void BudgetTimer::Cancel(const Key& key) {
  std::function<void()> dropped;  // destroyed without the lock
  MutexLock lock(mutex_);
  const auto found = tasks_.find(key);
  if (found == tasks_.end()) return;
  dropped.swap(found->second);
  tasks_.erase(found);
}

void BudgetTimer::Post(std::function<void()> task) { Add(NewKey(0), std::move(task)); }

void BudgetTimer::Run() {
  while (true) {
    std::function<void()> due;
    {
      MutexLock lock(mutex_);
      while (!stopping_ && !due) {
        if (tasks_.empty()) {
          sleeps_until_ns_ = INT64_MAX;
          wake_.Wait(mutex_);
          continue;
        }
        const auto first = tasks_.begin();
        sleeps_until_ns_ = first->first.first;
        const int64_t left_ns = sleeps_until_ns_ - clock_->NowNanos();
        if (left_ns > 0) {
          wake_.WaitFor(mutex_, absl::Nanoseconds(left_ns));
          continue;
        }
        due.swap(first->second);
        tasks_.erase(first);
      }
      if (!due) return;
      sleeps_until_ns_ = INT64_MIN;  // it looks again by itself
    }
    due();
  }
}

void BudgetTimer::Stop() {
  std::map<Key, std::function<void()>> dropped;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(tasks_);
  }
  wake_.NotifyAll();
}

}  // namespace halflife::client
