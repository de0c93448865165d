#include "storage/residency/room_demand.h"

#include <algorithm>

namespace halflife {

void RoomDemand::Use(uint64_t payload_bytes, int64_t now_ns) {
  MutexLock lock(mutex_);
  auto it = sizes_.find(payload_bytes);
  if (it == sizes_.end()) {
    if (sizes_.size() >= kMaxSizes) return;
    it = sizes_.emplace(payload_bytes, Entry()).first;
  }
  it->second.last_use_ns = now_ns;
}

void RoomDemand::Want(uint64_t payload_bytes, int64_t now_ns) {
  // Waiters are bounded, so this may go beyond kMaxSizes for a moment.
  MutexLock lock(mutex_);
  Entry& entry = sizes_[payload_bytes];
  entry.last_use_ns = now_ns;
  ++entry.wanted_blocks;
}

void RoomDemand::Unwant(uint64_t payload_bytes) {
  MutexLock lock(mutex_);
  auto it = sizes_.find(payload_bytes);
  if (it != sizes_.end() && it->second.wanted_blocks > 0) --it->second.wanted_blocks;
}

std::vector<RoomDemand::Size> RoomDemand::Snapshot(int64_t now_ns) {
  std::vector<Size> sizes;
  {
    MutexLock lock(mutex_);
    absl::erase_if(sizes_, [now_ns](const auto& entry) {
      return entry.second.wanted_blocks == 0 && entry.second.last_use_ns + kForgetNs < now_ns;
    });
    for (const auto& [payload_bytes, entry] : sizes_) {
      sizes.push_back({payload_bytes, entry.wanted_blocks * payload_bytes});
    }
  }
  std::sort(sizes.begin(), sizes.end(), [](const Size& a, const Size& b) {
    if ((a.wanted_bytes > 0) != (b.wanted_bytes > 0)) return a.wanted_bytes > 0;
    return a.payload_bytes < b.payload_bytes;
  });
  return sizes;
}

}  // namespace halflife
