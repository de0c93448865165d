#include "storage/miss_log.h"

#include <algorithm>

namespace halflife {

void MissLog::Add(const RecentMiss& miss) {
  MutexLock lock(mutex_);
  if (ring_.size() < kMaxMisses) {
    ring_.push_back(miss);
    return;
  }
  ring_[next_] = miss;
  next_ = (next_ + 1) % kMaxMisses;
}

std::vector<RecentMiss> MissLog::Latest(size_t limit) const {
  std::vector<RecentMiss> latest;
  MutexLock lock(mutex_);
  const size_t count = std::min(limit, ring_.size());
  for (size_t i = 0; i < count; ++i) {
    latest.push_back(ring_[(next_ + ring_.size() - 1 - i) % ring_.size()]);
  }
  return latest;
}

}  // namespace halflife
