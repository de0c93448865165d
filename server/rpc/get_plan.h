#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "halflife/v1/cache.pb.h"
#include "storage/block_store.h"

namespace halflife {

// What a Get sends, in the order of sending. Owns all it refers to. One thread at a time.
struct GetPlan {
  // One (block, part).
  struct Item {
    uint32_t index = 0;  // of the block in the request's chain, or in the leased prefix
    uint16_t part = 0;
    BlockAddress address;  // by hash
    BlockRef leased;       // or by lease: already in DRAM; null once let go
    bool is_hole = false;  // by lease, which does not promise it
  };

  NamespaceRef ns;
  bool ascending = true;
  // Indices that are asked for: [first_index, end_index).
  uint32_t first_index = 0;
  uint32_t end_index = 0;
  PartRange parts;
  std::optional<LeaseId> lease;
  RequestAttributes attributes;
  std::vector<Item> items;

  // The chain, if the blocks are named by hash: what to touch afterwards.
  std::vector<BlockHash> hashes;
  std::optional<BlockHash> parent;
  uint32_t group = 0;
  uint32_t first_depth = 0;

  ChainSlice chain() const {
    return {
        .ns = ns, .group = group, .first_depth = first_depth, .parent = parent, .hashes = hashes};
  }
  // Of an item among all, in the order of the chain.
  size_t PositionOf(const Item& item) const {
    return size_t{item.index - first_index} * parts.count + (item.part - parts.first);
  }
  uint64_t block_bytes() const { return ns->descriptor.block_bytes; }

  // Lets go of the leased blocks of the items from `first_item` on: a stream that does not get on
  // must not outlast the lease with them. No effect without a lease.
  void LetGoOfLeased(size_t first_item);
  // Takes them in hand again. Returns: kAborted if the lease is gone.
  absl::Status TakeLeased(BlockStore& store, size_t first_item);
};

// Returns: kInvalidArgument naming the field that is malformed or above its limit,
// kFailedPrecondition if the namespace is not open or not the lease's, kAborted if the lease is
// gone.
absl::StatusOr<GetPlan> MakeGetPlan(BlockStore& store, const v1::GetRequest& request);

}  // namespace halflife
