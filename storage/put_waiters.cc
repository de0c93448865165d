#include "storage/put_waiters.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "common/status.h"

namespace halflife {

bool PutWaiters::Add(Waiter& waiter) {
  MutexLock lock(mutex_);
  if (waiting_.size() >= kMaxWaiters) return false;
  waiting_.push_back(std::move(waiter));
  count_.fetch_add(1, std::memory_order_release);
  return true;
}

std::deque<PutWaiters::Waiter> PutWaiters::TakeAll() {
  std::deque<Waiter> taken;
  MutexLock lock(mutex_);
  taken.swap(waiting_);
  return taken;
}

size_t PutWaiters::Serve(int64_t now_ns,
                         const std::function<absl::StatusOr<BlockBuffer>(const Waiter&)>& allocate,
                         const std::function<absl::Status(const Waiter&)>& judge,
                         const std::function<void(const Waiter&, const absl::Status&)>& leaving) {
  if (empty()) return 0;
  std::deque<Waiter> still_waiting;
  absl::flat_hash_set<std::pair<uint64_t, uint16_t>> full;  // sizes, and for which limit
  size_t answered = 0;
  for (Waiter& waiter : TakeAll()) {
    absl::StatusOr<BlockBuffer> buffer = absl::ResourceExhaustedError(
        absl::StrCat("DRAM tier: no room for ", waiter.payload_bytes, " bytes in time"));
    const std::pair line(waiter.payload_bytes, waiter.limit);
    if (!full.contains(line)) buffer = allocate(waiter);
    if (absl::IsResourceExhausted(buffer.status())) {
      full.insert(line);
      if (absl::Status judged = judge(waiter); !judged.ok()) {
        buffer = std::move(judged);
      } else if (now_ns < waiter.deadline_ns) {
        still_waiting.push_back(std::move(waiter));
        continue;
      }
    }
    leaving(waiter, buffer.status());
    count_.fetch_sub(1, std::memory_order_release);
    ++answered;
    waiter.ready(std::move(buffer));
  }
  MutexLock lock(mutex_);
  waiting_.insert(waiting_.begin(), std::make_move_iterator(still_waiting.begin()),
                  std::make_move_iterator(still_waiting.end()));
  return answered;
}

void PutWaiters::FailAll(const absl::Status& status) {
  for (Waiter& waiter : TakeAll()) {
    count_.fetch_sub(1, std::memory_order_release);
    waiter.ready(status);
  }
}

}  // namespace halflife
