#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/block_store.h"

namespace halflife {

// What a Put announces: the (block, part) pairs in the order in which their frames come, part
// fastest. Owns all it refers to; immutable.
struct PutPlan {
  struct Item {
    uint32_t index = 0;
    uint16_t part = 0;
    BlockAddress address;
    BlockKey parent;  // stored key of the block before, same part; zero for a first block
    uint32_t depth = 0;
  };

  NamespaceRef ns;
  PartRange parts;
  RequestAttributes attributes;
  std::vector<Item> items;

  uint64_t block_bytes() const { return ns->descriptor.block_bytes; }
  // Position in `items`. Returns: kInvalidArgument if the pair was not announced.
  absl::StatusOr<size_t> ItemOf(uint32_t index, uint32_t part) const;
};

// From the serialized PutHeader. Returns: kInvalidArgument naming the field that is malformed or
// above its limit, kFailedPrecondition if the namespace is not open.
absl::StatusOr<PutPlan> MakePutPlan(const BlockStore& store, std::string_view serialized_header);

}  // namespace halflife
