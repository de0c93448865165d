#include "storage/residency/categories/chain_lineage.h"

#include <algorithm>

namespace halflife {

ChainLineage::Place ChainLineage::Add(absl::Span<const uint64_t> blocks, size_t known_blocks,
                                      uint32_t turn) {
  Place place;
  if (blocks.empty()) return place;
  known_blocks = std::min(known_blocks, blocks.size());
  if (known_blocks > 0) place.role = RequestRole::kShares;
  for (size_t i = known_blocks; i-- > 0;) {
    const auto previous = turn_by_last_block_.find(blocks[i]);
    if (previous == turn_by_last_block_.end()) continue;
    place = {previous->second + 1, RequestRole::kContinues};
    turn_by_last_block_.erase(previous);
    break;
  }
  if (turn > 0) place.turn = turn;
  if (turn_by_last_block_.insert_or_assign(blocks.back(), place.turn).second) {
    order_.push_back(blocks.back());
  }
  // An erased block leaves its place behind: that only makes its next end be forgotten earlier.
  while (order_.size() > remembered_requests_) {
    turn_by_last_block_.erase(order_.front());
    order_.pop_front();
  }
  return place;
}

}  // namespace halflife
