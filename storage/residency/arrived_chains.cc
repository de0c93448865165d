#include "storage/residency/arrived_chains.h"

namespace halflife {

void ArrivedChains::Add(const BlockFacts& block) {
  const auto parent = by_tail_.find(block.parent);
  size_t at = chains_.size();
  const auto goes_on = [&](const Chain& chain) {
    return chain.category == block.category && chain.first_depth + chain.keys.size() == block.depth;
  };
  if (parent != by_tail_.end() && goes_on(chains_[parent->second])) {
    at = parent->second;
    by_tail_.erase(parent);
  } else {
    chains_.push_back({.category = block.category, .first_depth = block.depth, .keys = {}});
  }
  chains_[at].keys.push_back(block.key);
  by_tail_[block.key] = at;
}

}  // namespace halflife
