#include "server/rpc/put_plan.h"

#include "common/limits.h"
#include "common/status.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/limit_check.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

BlockKey ParentOf(const BlockStore& store, const ChainSlice& chain, uint32_t index, uint16_t part) {
  if (index > 0) return store.AddressOf(chain, index - 1, part).key;
  if (chain.parent) return chain.ns->keys.KeyOf(*chain.parent, chain.group, part);
  return {};
}

}  // namespace

absl::StatusOr<size_t> PutPlan::ItemOf(uint32_t index, uint32_t part) const {
  const size_t blocks = items.size() / parts.count;
  if (index >= blocks) {
    return absl::InvalidArgumentError(
        absl::StrCat("frame.index is ", index, ", the header announced ", blocks, " blocks"));
  }
  if (part < parts.first || part - parts.first >= parts.count) {
    return absl::InvalidArgumentError(absl::StrCat("frame.part is ", part,
                                                   ", the header announced parts ", parts.first,
                                                   " to ", parts.first + parts.count - 1));
  }
  return size_t{index} * parts.count + (part - parts.first);
}

absl::StatusOr<PutPlan> MakePutPlan(const BlockStore& store, std::string_view serialized_header) {
  v1::PutHeader header;
  if (!header.ParseFromArray(serialized_header.data(),
                             static_cast<int>(serialized_header.size()))) {
    return absl::InvalidArgumentError(
        absl::StrCat("malformed header of ", serialized_header.size(), " bytes"));
  }
  PutPlan plan;
  HL_ASSIGN_OR_RETURN(plan.ns, FindNamespaceOf(store, header.namespace_id()));
  HL_ASSIGN_OR_RETURN(plan.parts, StorePartsFromWire(plan.ns, header.parts()));
  HL_ASSIGN_OR_RETURN(plan.attributes, AttributesFromWire(header.attributes()));
  HL_ASSIGN_OR_RETURN(const ChainSlice chain,
                      ChainSliceFromWire(plan.ns, header.chain(), kMaxTransferBlocks));
  HL_RETURN_IF_ERROR(CheckAtMost("number of (block, part) pairs",
                                 uint64_t{plan.parts.count} * chain.hashes.size(),
                                 kMaxTransferBlocks));
  for (uint32_t index = 0; index < chain.hashes.size(); ++index) {
    for (uint16_t i = 0; i < plan.parts.count; ++i) {
      const uint16_t part = plan.parts.first + i;
      plan.items.push_back({.index = index,
                            .part = part,
                            .address = store.AddressOf(chain, index, part),
                            .parent = ParentOf(store, chain, index, part),
                            .depth = chain.first_depth + index});
    }
  }
  return plan;
}

}  // namespace halflife
