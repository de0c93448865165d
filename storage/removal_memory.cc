#include "storage/removal_memory.h"

#include <cstring>

#include "storage/block_store.h"

namespace halflife {
namespace {

constexpr uint64_t kReasonBits = 8;
constexpr uint64_t kReasonMask = (uint64_t{1} << kReasonBits) - 1;

// The second half of the key, which the place is not taken from.
uint64_t FingerprintOf(const BlockKey& key) {
  uint64_t tail;
  std::memcpy(&tail, key.block.data() + 8, sizeof tail);
  return tail & ~kReasonMask;
}

}  // namespace

RemovalMemory::RemovalMemory(int log2_places)
    : mask_((uint64_t{1} << log2_places) - 1),
      places_(new std::atomic<uint64_t>[size_t{1} << log2_places]()) {}

std::atomic<uint64_t>& RemovalMemory::PlaceOf(const BlockKey& key) const {
  return places_[key.Head() & mask_];
}

void RemovalMemory::Remember(const BlockKey& key, MissReason reason) {
  PlaceOf(key).store(FingerprintOf(key) | static_cast<uint64_t>(reason), std::memory_order_relaxed);
}

void RemovalMemory::Forget(const BlockKey& key) {
  uint64_t seen = PlaceOf(key).load(std::memory_order_relaxed);
  if ((seen & ~kReasonMask) == FingerprintOf(key)) {
    PlaceOf(key).compare_exchange_strong(seen, 0, std::memory_order_relaxed);
  }
}

MissReason RemovalMemory::ReasonOf(const BlockKey& key) const {
  const uint64_t seen = PlaceOf(key).load(std::memory_order_relaxed);
  if (seen == 0 || (seen & ~kReasonMask) != FingerprintOf(key)) return MissReason::kNeverSeen;
  return static_cast<MissReason>(seen & kReasonMask);
}

}  // namespace halflife
