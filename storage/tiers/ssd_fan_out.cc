#include "storage/tiers/ssd_fan_out.h"

#include <algorithm>
#include <atomic>
#include <memory>

#include "common/mutex.h"

namespace halflife {
namespace {

// One batch. Tasks that start after it is done find no item left, so they never touch `item` of a
// caller that is gone.
struct Batch {
  size_t count = 0;
  const std::function<void(size_t)>* item = nullptr;
  std::atomic<size_t> next{0};

  Mutex mutex;
  CondVar all_done;
  size_t done ABSL_GUARDED_BY(mutex) = 0;

  void Work() {
    size_t worked = 0;
    for (size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      (*item)(i);
      ++worked;
    }
    if (worked == 0) return;
    MutexLock lock(mutex);
    done += worked;
    if (done == count) all_done.NotifyAll();
  }
};

}  // namespace

void ForEachOn(Executor& executor, size_t count, const std::function<void(size_t)>& item) {
  const auto batch = std::make_shared<Batch>();
  batch->count = count;
  batch->item = &item;
  for (size_t i = 1; i < count; ++i) {
    if (!executor.Submit([batch] { batch->Work(); })) break;
  }
  batch->Work();
  MutexLock lock(batch->mutex);
  while (batch->done < count) batch->all_done.Wait(batch->mutex);
}

}  // namespace halflife
