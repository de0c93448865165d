#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "storage/residency/model/ranked_queues.h"
#include "storage/residency/model/retention_index.h"
#include "storage/residency/model/reuse_features.h"

namespace halflife {

// A block of a request that is in the hash sample, and what the model says of it now.
struct SampledBlock {
  uint64_t id = 0;
  float value = 1;  // what a hit of it saves
  uint8_t group = 0;
  uint8_t level = 0;
};

// A cache of names without bytes, scaled down by the rate of the hash sample: what it hits is what
// the whole cache would hit under the same order (miniature simulation, Waldspurger et al.,
// ATC'17). Chains stay chains: the parent of a sampled block is the sampled block before it. Order:
// the retention index of a table, or recency. Not thread-safe. Borrows the table.
class MiniatureCache {
 public:
  enum class Order : uint8_t { kModel, kRecency };

  MiniatureCache(Order order, const RetentionTable* table);
  MiniatureCache(const MiniatureCache&) = delete;
  MiniatureCache& operator=(const MiniatureCache&) = delete;

  // Serves the sampled blocks of one request, chain order: returns the value of its longest
  // resident prefix, then holds all of them, as far as they fit.
  double Serve(absl::Span<const SampledBlock> blocks, int64_t now_ns);
  void set_capacity(size_t blocks) { capacity_ = blocks; }
  void RanksChanged() { queues_.RanksChanged(); }
  void Clear();
  size_t size() const { return numbers_.size(); }

 private:
  struct Block {
    SampledBlock sampled;
    int64_t last_touch_ns = 0;
    QueueLink link;
    uint32_t parent = 0;
    uint32_t children = 0;
    bool parked = false;
  };
  struct Access {
    MiniatureCache* cache;
    QueueLink& link(uint32_t n) const { return cache->blocks_[n].link; }
    RetentionRank RankOf(uint32_t n, int64_t at_ns) const {
      return cache->RankOf(cache->blocks_[n], at_ns);
    }
    bool MustStay(uint32_t n) const { return cache->blocks_[n].children > 0; }
    void Park(uint32_t n) const { cache->blocks_[n].parked = true; }
  };

  RetentionRank RankOf(const Block& block, int64_t at_ns) const;
  int QueueOf(const Block& block) const {
    if (order_ == Order::kRecency) return 0;
    return block.sampled.group * kMultiplierLevels + block.sampled.level;
  }
  uint32_t Hold(const SampledBlock& sampled, uint32_t parent, int64_t now_ns);
  void Evict(uint32_t n);

  const Order order_;
  const RetentionTable* const table_;
  size_t capacity_ = 0;
  std::vector<Block> blocks_;  // 0 is nobody's
  std::vector<uint32_t> free_;
  absl::flat_hash_map<uint64_t, uint32_t> numbers_;  // by id
  std::vector<uint32_t> served_;                     // of the request that is served
  Access access_{this};
  RankedQueues<Access> queues_;
};

}  // namespace halflife
