#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

// Blocks that were put without a look-up, as the chains they are: each is a request of its own, of
// which nothing is known but its blocks. Not thread-safe.
class ArrivedChains {
 public:
  struct Chain {
    Category category = kUnknownCategory;
    uint32_t first_depth = 0;
    std::vector<BlockKey> keys;
  };

  // A block behind its parent, if that is one of them, belongs to the parent's chain.
  void Add(const BlockFacts& block);
  absl::Span<const Chain> chains() const { return chains_; }

 private:
  std::vector<Chain> chains_;
  absl::flat_hash_map<BlockKey, size_t, BlockKeyHash> by_tail_;  // which chain ends in it
};

}  // namespace halflife
