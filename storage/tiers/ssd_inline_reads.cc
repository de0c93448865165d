#include "storage/tiers/ssd_inline_reads.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "common/mutex.h"

namespace halflife {

struct SsdInlineReads::Shared {
  Shared(std::vector<SsdRead> wanted, ReadOne one)
      : reads(std::move(wanted)), read_one(std::move(one)), outcomes(reads.size()) {}

  void Work() {
    for (size_t i = next.fetch_add(1); i < reads.size(); i = next.fetch_add(1)) {
      auto outcome = std::make_unique<SsdReadOutcome>(read_one(reads[i]));
      MutexLock lock(mutex);
      outcomes[i] = std::move(outcome);
      if (++done == reads.size()) all_done.NotifyAll();
    }
  }

  const std::vector<SsdRead> reads;
  const ReadOne read_one;
  std::atomic<size_t> next{0};

  Mutex mutex;
  CondVar all_done;
  std::vector<std::unique_ptr<SsdReadOutcome>> outcomes ABSL_GUARDED_BY(mutex);
  size_t done ABSL_GUARDED_BY(mutex) = 0;
};

SsdInlineReads::SsdInlineReads(std::vector<SsdRead> reads, ReadOne read_one)
    : shared_(std::make_shared<Shared>(std::move(reads), std::move(read_one))) {}

void SsdInlineReads::Start(Executor& executor, size_t threads) {
  for (size_t i = 0; i < std::min(threads, shared_->reads.size()); ++i) {
    if (!executor.Submit([shared = shared_] { shared->Work(); })) break;
    started_ = true;
  }
}

std::vector<std::unique_ptr<SsdReadOutcome>> SsdInlineReads::Collect(absl::Duration timeout) {
  shared_->mutex.Lock();
  while (started_ && shared_->done < shared_->reads.size()) {
    if (!shared_->all_done.WaitFor(shared_->mutex, timeout)) break;
  }
  shared_->next.store(shared_->reads.size());
  std::vector<std::unique_ptr<SsdReadOutcome>> outcomes(shared_->reads.size());
  outcomes.swap(shared_->outcomes);  // who is still reading finds a place for its outcome
  shared_->mutex.Unlock();
  return outcomes;
}

}  // namespace halflife
