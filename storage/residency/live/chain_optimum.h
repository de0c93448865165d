#pragma once

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include "absl/types/span.h"

namespace halflife {

// The most hits that any policy can have, knowing the future: after every request, what is used
// again last goes first, the request's own blocks included. Source: Belady, "A study of replacement
// algorithms for a virtual-storage computer", IBM Systems Journal 5(2), 1966. On chains: a block is
// used whenever a descendant is, so that its next use never comes after theirs; of blocks with one
// next use the deepest goes first. So victims always are leaves, what is held stays closed under
// prefixes, and every block hit is a prefix hit.
//
// Held blocks stand in one queue per request that uses them next. Those of one queue are a piece of
// one chain, and what joins it later lies above what is in it already: first in is deepest.
//
// The requests are one flat sequence of references, blocks numbered densely from 0: request r names
// references [ends[r - 1], ends[r]), first block first and none twice. About 4 bytes a reference, 9
// a block and 12 a request.
// Not thread-safe; borrows both spans.
class ChainOptimum {
 public:
  ChainOptimum(absl::Span<const uint32_t> references, absl::Span<const uint64_t> ends,
               size_t block_count, size_t capacity_blocks);

  // Serves the next request: its hits are its longest held prefix.
  size_t ServeNext();
  bool done() const { return served_ == ends_.size(); }

 private:
  struct Queue {
    uint32_t front = UINT32_MAX;
    uint32_t back = UINT32_MAX;
  };

  std::vector<uint32_t> NextUses(size_t block_count) const;
  absl::Span<const uint32_t> BlocksOf(size_t request) const;
  void Push(uint32_t use, uint32_t block);
  void Evict();

  const absl::Span<const uint32_t> references_;
  const absl::Span<const uint64_t> ends_;
  const size_t capacity_;
  const std::vector<uint32_t> next_uses_;  // by reference: request, or the number of requests
  std::vector<uint8_t> held_;
  std::vector<uint32_t> behind_;  // by block: who follows it in its queue
  std::vector<Queue> queues_;     // by request
  std::priority_queue<uint32_t> farthest_;
  size_t size_ = 0;
  size_t served_ = 0;
};

}  // namespace halflife
