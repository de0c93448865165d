#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "common/block/block_key.h"

namespace halflife {

enum class MissReason : uint8_t;

// Remembers for a while why and since when blocks that were here are not: so that a miss can say
// "evicted" and not only "never seen", and a Put how long its block was missed. A fixed table of
// 64-bit words, each the fingerprint of one key, a time and a reason; the next key with the same
// place overwrites it. It may forget, and mixes up two keys once in 2^32; what it says is for
// people, never for a decision. Thread-safe and lock-free.
class RemovalMemory {
 public:
  // 8 bytes per place, 2 MiB.
  explicit RemovalMemory(int log2_places = 18);

  struct Removal {
    MissReason reason;
    int64_t age_s = 0;  // whole seconds, right for 194 days
  };

  // Times are the Clock's.
  void Remember(const BlockKey& key, MissReason reason, int64_t now_ns);
  // The block is here again. Returns what was remembered.
  Removal Forget(const BlockKey& key, int64_t now_ns);
  // What is remembered, without forgetting it.
  Removal Recall(const BlockKey& key, int64_t now_ns) const;
  // kNeverSeen if nothing is remembered.
  MissReason ReasonOf(const BlockKey& key) const;

 private:
  std::atomic<uint64_t>& PlaceOf(const BlockKey& key) const;

  const uint64_t mask_;
  const std::unique_ptr<std::atomic<uint64_t>[]> places_;
};

}  // namespace halflife
