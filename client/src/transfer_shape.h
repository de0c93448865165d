#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "client/include/halflife/client.h"
#include "common/block/block_id.h"
#include "common/block/namespace_descriptor.h"

namespace halflife::client {

// What a list of (block, part) items looks like to the daemon: consecutive blocks of one chain, and
// the same run of parts of each. Item i is part `part_first + i % part_count` of block `i /
// part_count`.
struct TransferShape {
  std::vector<BlockHash> chain;  // distinct blocks, in order
  uint16_t part_first = 0;
  uint16_t part_count = 1;

  size_t items() const { return chain.size() * part_count; }
};

// One item, without what is particular to Get or Put.
struct TransferItem {
  const Hash* hash;
  uint16_t part;
  View<Segment> segments;
};

// Returns: kInvalidArgument naming the item, for a list that is empty or above kMaxTransferBlocks,
// parts that differ between blocks or lie outside the namespace, or segments that are none, too
// many, null, or do not add up to block_bytes.
absl::StatusOr<TransferShape> ShapeOf(absl::Span<const TransferItem> items,
                                      const NamespaceDescriptor& ns);

template <typename Item>
std::vector<TransferItem> TransferItems(const std::vector<Item>& items,
                                        View<Segment> Item::*segments) {
  std::vector<TransferItem> result;
  result.reserve(items.size());
  for (const Item& item : items) result.push_back({&item.hash, item.part, item.*segments});
  return result;
}

}  // namespace halflife::client
