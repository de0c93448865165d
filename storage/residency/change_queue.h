#pragma once

#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "common/block/attributes.h"
#include "common/block/block_key.h"
#include "common/mutex.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// What requests tell the background, one push per call: "look at these keys again, the index
// changed there", "somebody has put this" and "a request named these chains, and used so much of
// them". Bounded. A lost touch costs a little accuracy and is counted. A lost change would let the
// policy forget a block, so an overflow is remembered instead: the consumer then walks the whole
// index.
//
// Changes carry keys and no facts: the consumer reads the index when it comes to them. So they may
// be taken in any order: the last one always finds the last state. Thread-safe.
class ChangeQueue {
 public:
  struct Limits {
    size_t changed_keys = 1 << 16;
    size_t touched_keys = 1 << 18;  // over all touches and hints
    // Of touches, are a batch. Small: who is woken by a request, and finds its processor taken by
    // the consumer, may have to wait for the end of it. A key that was looked up takes it 20 ns.
    size_t batch_keys = 1 << 13;
  };
  // Chains that one call named, `chain_blocks` long each, one after the other (one per part).
  struct Touch {
    int64_t now_ns = 0;
    Category category = kUnknownCategory;
    uint32_t chain_blocks = 0;
    std::vector<BlockKey> keys;
    uint32_t unused_blocks = 0;  // at the end of each chain: named, but not served
    uint32_t first_depth = 0;    // of each chain
    uint32_t block_tokens = 0;   // of each block
    // Of a look-up: how much of the chain was found. Else the blocks are asked for in pieces.
    static constexpr uint32_t kNoLookup = UINT32_MAX;
    uint32_t found_blocks = kNoLookup;
    bool lost = false;         // RequestSample::LookedUp::lost
    uint64_t block_bytes = 0;  // of all parts that were asked for
  };
  // As HintedChain.
  struct Hint {
    int64_t now_ns = 0;
    HintKind kind = HintKind::kRelease;
    uint32_t chain_blocks = 0;
    std::vector<BlockKey> keys;
    int64_t until_ns = 0;
  };
  struct Batch {
    std::vector<BlockKey> changed;
    std::vector<BlockKey> put;  // changed as well: by callers, each block behind its parent
    std::vector<Touch> touches;
    std::vector<Hint> hints;
    bool overflowed = false;  // since the last Take
  };

  ChangeQueue() : ChangeQueue(Limits()) {}
  explicit ChangeQueue(const Limits& limits) : limits_(limits) {}

  void PushChanged(absl::Span<const BlockKey> keys);
  void PushPut(const BlockKey& key);
  // True if this touch fills a batch: somebody should take it.
  [[nodiscard]] bool PushTouch(Touch touch);
  // False if too much is waiting: it was not taken.
  bool PushHint(Hint hint);
  Batch Take();
  bool empty() const;

  // More than this in one call can never be told.
  size_t touched_keys_limit() const { return limits_.touched_keys; }
  void CountDroppedTouch() { touches_dropped_.fetch_add(1, std::memory_order_relaxed); }
  uint64_t touches_dropped() const { return touches_dropped_.load(std::memory_order_relaxed); }

 private:
  const Limits limits_;
  std::atomic<uint64_t> touches_dropped_{0};

  mutable Mutex mutex_;
  Batch waiting_ ABSL_GUARDED_BY(mutex_);
  size_t touched_keys_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife
