#include "storage/residency/change_queue.h"

namespace halflife {

void ChangeQueue::PushChanged(absl::Span<const BlockKey> keys) {
  MutexLock lock(mutex_);
  if (waiting_.changed.size() + waiting_.put.size() + keys.size() > limits_.changed_keys) {
    waiting_.overflowed = true;
    return;
  }
  waiting_.changed.insert(waiting_.changed.end(), keys.begin(), keys.end());
}

void ChangeQueue::PushPut(const BlockKey& key) {
  MutexLock lock(mutex_);
  if (waiting_.changed.size() + waiting_.put.size() >= limits_.changed_keys) {
    waiting_.overflowed = true;
    return;
  }
  waiting_.put.push_back(key);
}

bool ChangeQueue::PushTouch(Touch touch) {
  if (touch.keys.empty()) return false;
  MutexLock lock(mutex_);
  if (touched_keys_ + touch.keys.size() > limits_.touched_keys) {
    touches_dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const size_t batches = touched_keys_ / limits_.batch_keys;
  touched_keys_ += touch.keys.size();
  waiting_.touches.push_back(std::move(touch));
  return touched_keys_ / limits_.batch_keys > batches;
}

bool ChangeQueue::PushHint(Hint hint) {
  if (hint.keys.empty()) return true;
  MutexLock lock(mutex_);
  if (touched_keys_ + hint.keys.size() > limits_.touched_keys) return false;
  touched_keys_ += hint.keys.size();
  waiting_.hints.push_back(std::move(hint));
  return true;
}

ChangeQueue::Batch ChangeQueue::Take() {
  Batch taken;
  MutexLock lock(mutex_);
  std::swap(taken, waiting_);
  touched_keys_ = 0;
  return taken;
}

bool ChangeQueue::empty() const {
  MutexLock lock(mutex_);
  return waiting_.changed.empty() && waiting_.put.empty() && waiting_.touches.empty() &&
         waiting_.hints.empty() && !waiting_.overflowed;
}

}  // namespace halflife
