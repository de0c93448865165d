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

SsdFanOut::SsdFanOut(int threads, size_t queue_limit)
    : threads_(threads),
      pool_({.name = "hl-ssd", .threads = threads, .queue_limit = queue_limit}) {}

void SsdFanOut::ForEach(size_t count, const std::function<void(size_t)>& item) {
  if (count == 1) return item(0);
  const auto batch = std::make_shared<Batch>();
  batch->count = count;
  batch->item = &item;
  const size_t others = std::min<size_t>(static_cast<size_t>(threads_), count > 0 ? count - 1 : 0);
  for (size_t i = 0; i < others; ++i) {
    if (!pool_.Submit([batch] { batch->Work(); })) break;
  }
  batch->Work();
  MutexLock lock(batch->mutex);
  while (batch->done < count) batch->all_done.Wait(batch->mutex);
}

}  // namespace halflife
