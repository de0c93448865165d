#include "common/executor.h"

#include <pthread.h>

#include <utility>

namespace halflife {
namespace {

void NameThisThread(const std::string& name) {
  pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
}

}  // namespace

ThreadPool::ThreadPool(Options options) : options_(std::move(options)) {
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { RunTasks(); });
}

ThreadPool::~ThreadPool() {
  std::deque<std::function<void()>> dropped;
  {
    MutexLock lock(mutex_);
    dropped.swap(queue_);
  }
  Drain();
}

bool ThreadPool::Submit(std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    if (stopping_ || queue_.size() >= options_.queue_limit) return false;
    queue_.push_back(std::move(task));
  }
  wake_.NotifyOne();
  return true;
}

void ThreadPool::Drain() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void ThreadPool::RunTasks() {
  NameThisThread(options_.name);
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_) wake_.Wait(mutex_);
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

PeriodicTask::PeriodicTask(std::string name, absl::Duration interval, std::function<bool()> step)
    : interval_(interval), step_(std::move(step)), thread_([this, name = std::move(name)] {
        NameThisThread(name);
        Run();
      }) {}

PeriodicTask::~PeriodicTask() { Stop(); }

void PeriodicTask::Wake() {
  {
    MutexLock lock(mutex_);
    woken_ = true;
  }
  wake_.NotifyOne();
}

void PeriodicTask::Stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  wake_.NotifyOne();
  if (thread_.joinable()) thread_.join();
}

void PeriodicTask::Run() {
  bool more = false;
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!more && !woken_ && !stopping_) wake_.WaitFor(mutex_, interval_);
      if (stopping_) return;
      woken_ = false;
    }
    more = step_();
  }
}

}  // namespace halflife
