#pragma once

#include "tools/simulate/cache_setup.h"
#include "tools/simulate/policies/block_lists.h"
#include "tools/simulate/policies/blockwise_cache.h"

namespace halflife::tools {

// A cache whose blocks all stand in one queue.
class OneQueueCache : public BlockwiseCache {
 public:
  bool Holds(uint32_t block) const final { return lists_.ListOf(block) == kQueue; }
  size_t size() const final { return lists_.size(kQueue); }

 protected:
  static constexpr uint8_t kQueue = 0;

  explicit OneQueueCache(const CacheSetup& setup)
      : lists_(setup.block_count(), 1), capacity_(setup.capacity_blocks) {}

  bool IsFull() const { return size() == capacity_; }

  BlockLists lists_;

 private:
  const size_t capacity_;
};

}  // namespace halflife::tools
