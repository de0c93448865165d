// The part of DramArenaCore that says which size may have how much.

#include <algorithm>

#include "storage/tiers/dram_arena_core.h"

namespace halflife {

uint64_t DramArenaCore::FreeBytesFor(size_t payload_bytes) const {
  const size_t stride_bytes = StrideOf(payload_bytes);
  if (stride_bytes == 0) return 0;
  MutexLock lock(mutex_);
  const int found = FindClassLocked(stride_bytes);
  if (found < 0 && FindIdleClassLocked() < 0 &&
      std::none_of(classes_.begin(), classes_.end(),
                   [](const SizeClass& other) { return other.only_empty(); })) {
    return 0;
  }
  const uint64_t free_bytes = found < 0 ? 0 : classes_[found].free_bytes();
  return free_bytes + ObtainableBytesLocked(stride_bytes) / stride_bytes * stride_bytes;
}

void DramArenaCore::SetReserves(absl::Span<const DramArena::Reserve> reserves) {
  std::vector<Reserve> merged;  // sizes that share a class share what is kept for them
  for (const DramArena::Reserve& reserve : reserves) {
    const size_t stride_bytes = StrideOf(reserve.payload_bytes);
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const Reserve& other) {
      return other.stride_bytes == stride_bytes;
    });
    if (same == merged.end()) {
      merged.push_back({stride_bytes, reserve.bytes});
    } else {
      same->bytes = std::max(same->bytes, reserve.bytes);
    }
  }
  MutexLock lock(mutex_);
  reserves_.swap(merged);
}

uint64_t DramArenaCore::ReserveOfLocked(size_t stride_bytes) const {
  for (const Reserve& reserve : reserves_) {
    if (reserve.stride_bytes == stride_bytes) return reserve.bytes;
  }
  return 0;
}

uint64_t DramArenaCore::SpareBytesLocked(const SizeClass& size_class) const {
  const uint64_t reserve_bytes = ReserveOfLocked(size_class.shape().stride_bytes);
  return size_class.free_bytes() - std::min(size_class.free_bytes(), reserve_bytes);
}

// A size that gave what it needs itself would take it back with its next block, and all that is
// punched out and touched anew by it costs more than the blocks. So it keeps its reserve, and after
// it has given a slab it has to use one up before it asks.
uint64_t DramArenaCore::SpareEmptyBytesLocked(const SizeClass& size_class) const {
  if (ReserveOfLocked(size_class.shape().stride_bytes) == 0) return size_class.empty_bytes();
  const uint64_t slab_bytes = size_class.shape().slab_bytes();
  return std::min(size_class.empty_bytes(), SpareBytesLocked(size_class) / slab_bytes * slab_bytes);
}

bool DramArenaCore::HoldsNothingLocked(size_t stride_bytes) const {
  const int index = FindClassLocked(stride_bytes);
  return index < 0 || classes_[index].idle();
}

uint64_t DramArenaCore::ObtainableBytesLocked(size_t stride_bytes) const {
  const bool holds_nothing = HoldsNothingLocked(stride_bytes);
  uint64_t bytes = unused_bytes_;
  for (const SizeClass& other : classes_) {
    if (other.idle() || other.shape().stride_bytes == stride_bytes) continue;
    bytes += holds_nothing ? other.empty_bytes() : SpareEmptyBytesLocked(other);
  }
  if (holds_nothing) return bytes;
  for (const Reserve& reserve : reserves_) {
    if (reserve.stride_bytes == stride_bytes) continue;
    const int index = FindClassLocked(reserve.stride_bytes);
    const uint64_t there_bytes = index < 0 ? 0 : classes_[index].free_bytes();
    const uint64_t missing_bytes = reserve.bytes - std::min(reserve.bytes, there_bytes);
    bytes -= std::min(bytes, missing_bytes);
  }
  return bytes;
}

}  // namespace halflife
