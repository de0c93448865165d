#include "storage/removal_memory.h"

#include <cstring>

#include "storage/block_store.h"

namespace halflife {
namespace {

// A word from its lowest bit: 8 of the reason, 24 of the second, 32 of the fingerprint.
constexpr int kReasonBits = 8;
constexpr uint64_t kReasonMask = (uint64_t{1} << kReasonBits) - 1;
constexpr uint64_t kSecondMask = (uint64_t{1} << 24) - 1;
constexpr uint64_t kFingerprintMask = ~uint64_t{0} << 32;
constexpr int64_t kSecondNs = int64_t{1000} * 1000 * 1000;

// The second half of the key, which the place is not taken from.
uint64_t FingerprintOf(const BlockKey& key) {
  uint64_t tail;
  std::memcpy(&tail, key.block.data() + 8, sizeof tail);
  return tail & kFingerprintMask;
}

uint64_t SecondOf(int64_t now_ns) {
  return static_cast<uint64_t>(now_ns / kSecondNs) & kSecondMask;
}

bool IsOf(uint64_t word, const BlockKey& key) {
  return word != 0 && (word & kFingerprintMask) == FingerprintOf(key);
}

RemovalMemory::Removal RemovalOf(uint64_t word, int64_t now_ns) {
  const uint64_t age_s = (SecondOf(now_ns) - (word >> kReasonBits)) & kSecondMask;
  return {static_cast<MissReason>(word & kReasonMask), static_cast<int64_t>(age_s)};
}

}  // namespace

RemovalMemory::RemovalMemory(int log2_places)
    : mask_((uint64_t{1} << log2_places) - 1),
      places_(new std::atomic<uint64_t>[size_t{1} << log2_places]()) {}

std::atomic<uint64_t>& RemovalMemory::PlaceOf(const BlockKey& key) const {
  return places_[key.Head() & mask_];
}

void RemovalMemory::Remember(const BlockKey& key, MissReason reason, int64_t now_ns) {
  PlaceOf(key).store(
      FingerprintOf(key) | SecondOf(now_ns) << kReasonBits | static_cast<uint64_t>(reason),
      std::memory_order_relaxed);
}

RemovalMemory::Removal RemovalMemory::Forget(const BlockKey& key, int64_t now_ns) {
  uint64_t seen = PlaceOf(key).load(std::memory_order_relaxed);
  if (!IsOf(seen, key)) return {MissReason::kNeverSeen};
  PlaceOf(key).compare_exchange_strong(seen, 0, std::memory_order_relaxed);
  return RemovalOf(seen, now_ns);
}

RemovalMemory::Removal RemovalMemory::Recall(const BlockKey& key, int64_t now_ns) const {
  const uint64_t seen = PlaceOf(key).load(std::memory_order_relaxed);
  if (!IsOf(seen, key)) return {MissReason::kNeverSeen};
  return RemovalOf(seen, now_ns);
}

MissReason RemovalMemory::ReasonOf(const BlockKey& key) const { return Recall(key, 0).reason; }

}  // namespace halflife
