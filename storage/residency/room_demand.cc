#include "storage/residency/room_demand.h"

#include <algorithm>

namespace halflife {

void RoomDemand::EnterWindow(Entry& entry, int64_t now_ns) {
  const int64_t window = now_ns / (int64_t{kWindowS} * 1'000'000'000);
  if (window == entry.window) return;
  entry.blocks_before = window == entry.window + 1 ? entry.window_blocks : 0;
  entry.window_blocks = 0;
  entry.window = window;
}

void RoomDemand::Use(uint64_t payload_bytes, int64_t now_ns) {
  MutexLock lock(mutex_);
  auto it = sizes_.find(payload_bytes);
  if (it == sizes_.end()) {
    if (sizes_.size() >= kMaxSizes) return;
    it = sizes_.emplace(payload_bytes, Entry()).first;
  }
  Entry& entry = it->second;
  EnterWindow(entry, now_ns);
  ++entry.window_blocks;
  entry.last_use_ns = now_ns;
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
    for (auto& [payload_bytes, entry] : sizes_) {
      EnterWindow(entry, now_ns);
      sizes.push_back(
          {.payload_bytes = payload_bytes,
           .wanted_bytes = entry.wanted_blocks * payload_bytes,
           .bytes_per_s = static_cast<double>(std::max(entry.window_blocks, entry.blocks_before) *
                                              payload_bytes) /
                          kWindowS});
    }
  }
  std::sort(sizes.begin(), sizes.end(), [](const Size& a, const Size& b) {
    if ((a.wanted_bytes > 0) != (b.wanted_bytes > 0)) return a.wanted_bytes > 0;
    return a.payload_bytes < b.payload_bytes;
  });
  return sizes;
}

}  // namespace halflife
