#include "tools/replay/dispatch_queue.h"

#include <utility>

namespace halflife::tools {

void DispatchQueue::Push(Item item) {
  MutexLock lock(mutex_);
  while (items_.size() >= limit_) changed_.Wait(mutex_);
  items_.push_back(std::move(item));
  changed_.NotifyAll();
}

void DispatchQueue::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyAll();
}

bool DispatchQueue::Pop(Item& item) {
  MutexLock lock(mutex_);
  while (!TakeLocked(item)) {
    if (closed_ && items_.empty()) return false;
    changed_.Wait(mutex_);
  }
  changed_.NotifyAll();
  return true;
}

bool DispatchQueue::TakeLocked(Item& item) {
  for (auto next = items_.begin(); next != items_.end(); ++next) {
    const uint64_t session = next->request.session;
    if (session != 0 && !busy_sessions_.insert(session).second) continue;
    item = std::move(*next);
    items_.erase(next);
    return true;
  }
  return false;
}

void DispatchQueue::Done(const Item& item) {
  MutexLock lock(mutex_);
  if (item.request.session != 0) busy_sessions_.erase(item.request.session);
  changed_.NotifyAll();
}

}  // namespace halflife::tools
