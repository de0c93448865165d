#include "client/src/shm_workers.h"

#include <algorithm>
#include <utility>

namespace halflife::client {
namespace {

// Jobs that wait for a worker, for each of them: a further one goes over the socket, where calls do
// not wait for each other.
constexpr size_t kQueuePerThread = 4;

// What the threads of one ForEach share. Helpers that come when it is over find it closed.
struct Sharing {
  explicit Sharing(size_t all, absl::FunctionRef<void(size_t)> function)
      : count(all), each(function) {}

  void Work() {
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) each(i);
  }

  const size_t count;
  const absl::FunctionRef<void(size_t)> each;  // not touched once it is closed
  std::atomic<size_t> next{0};
  Mutex mutex;
  CondVar left;
  bool closed ABSL_GUARDED_BY(mutex) = false;
  int helpers ABSL_GUARDED_BY(mutex) = 0;
};

void Help(Sharing& sharing) {
  {
    MutexLock lock(sharing.mutex);
    if (sharing.closed) return;
    ++sharing.helpers;
  }
  sharing.Work();
  MutexLock lock(sharing.mutex);
  --sharing.helpers;
  sharing.left.NotifyOne();
}

}  // namespace

std::shared_ptr<ThreadPool> ShmWorkers::Pool() {
  MutexLock lock(mutex_);
  if (stopping_) return nullptr;
  if (pool_ == nullptr) {
    pool_ = std::make_shared<ThreadPool>(
        ThreadPool::Options{.name = "hl-client-copy",
                            .threads = threads_,
                            .queue_limit = kQueuePerThread * static_cast<size_t>(threads_)});
  }
  return pool_;
}

bool ShmWorkers::Submit(absl::Duration budget, std::function<void(absl::Duration waited)> work,
                        std::function<void()> late) {
  const std::shared_ptr<ThreadPool> pool = Pool();
  if (pool == nullptr) return false;
  const int64_t begun_ns = clock_->NowNanos();
  const auto claimed = std::make_shared<std::atomic<bool>>(false);
  const BudgetTimer::Key key = timer_->NewKey(begun_ns + absl::ToInt64Nanoseconds(budget));
  {
    MutexLock lock(mutex_);
    ++jobs_;
  }
  const auto end = [this] {
    MutexLock lock(mutex_);
    if (--jobs_ == 0) quiet_.NotifyAll();
  };
  timer_->Add(key, [claimed, late = std::move(late), end] {
    if (claimed->exchange(true)) return;
    late();
    end();
  });
  const bool queued = pool->Submit([this, claimed, key, begun_ns, work = std::move(work), end] {
    if (claimed->exchange(true)) return;
    timer_->Cancel(key);
    work(absl::Nanoseconds(clock_->NowNanos() - begun_ns));
    end();
  });
  if (queued) return true;
  timer_->Cancel(key);
  const bool is_late = claimed->exchange(true);
  if (!is_late) end();
  return is_late;
}

void ShmWorkers::ForEach(size_t count, absl::FunctionRef<void(size_t)> each) {
  const auto helpers = static_cast<int>(std::min<size_t>(count, static_cast<size_t>(threads_)) - 1);
  const std::shared_ptr<ThreadPool> pool = helpers > 0 ? Pool() : nullptr;
  const auto sharing = std::make_shared<Sharing>(count, each);
  for (int i = 0; pool != nullptr && i < helpers; ++i) {
    if (!pool->Submit([sharing] { Help(*sharing); })) break;
  }
  sharing->Work();
  MutexLock lock(sharing->mutex);
  sharing->closed = true;
  while (sharing->helpers > 0) sharing->left.Wait(sharing->mutex);
}

void ShmWorkers::WaitUntilQuiet() {
  MutexLock lock(mutex_);
  while (jobs_ > 0) quiet_.Wait(mutex_);
}

void ShmWorkers::Stop() {
  std::shared_ptr<ThreadPool> pool;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    pool.swap(pool_);
  }
  if (pool != nullptr) pool->Drain();
}

}  // namespace halflife::client
