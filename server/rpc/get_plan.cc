#include "server/rpc/get_plan.h"

#include <algorithm>
#include <utility>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/limit_check.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

absl::Status CheckTransfer(uint64_t blocks, uint64_t parts) {
  return CheckAtMost("number of (block, part) pairs", blocks * parts, kMaxTransferBlocks);
}

absl::StatusOr<GetPlan> PlanByChain(BlockStore& store, const v1::GetRequest& request) {
  GetPlan plan;
  HL_ASSIGN_OR_RETURN(plan.ns, FindNamespaceOf(store, request.namespace_id()));
  HL_ASSIGN_OR_RETURN(plan.parts, StorePartsFromWire(plan.ns, request.parts()));
  HL_ASSIGN_OR_RETURN(const ChainSlice chain,
                      ChainSliceFromWire(plan.ns, request.chain(), kMaxTransferBlocks));
  HL_RETURN_IF_ERROR(CheckTransfer(chain.hashes.size(), plan.parts.count));
  plan.hashes.assign(chain.hashes.begin(), chain.hashes.end());
  plan.parent = chain.parent;
  plan.group = chain.group;
  plan.first_depth = chain.first_depth;
  plan.end_index = static_cast<uint32_t>(plan.hashes.size());
  for (uint32_t index = 0; index < plan.hashes.size(); ++index) {
    for (uint16_t i = 0; i < plan.parts.count; ++i) {
      const uint16_t part = plan.parts.first + i;
      plan.items.push_back({.index = index,
                            .part = part,
                            .address = store.AddressOf(chain, index, part),
                            .leased = {},
                            .is_hole = false});
    }
  }
  return plan;
}

// The parts of a request by lease: all that the lease has, or some of them.
absl::StatusOr<PartRange> LeasedParts(const v1::PartRange& message, PartRange leased) {
  if (message.first() == 0 && message.count() == 0) return leased;
  HL_RETURN_IF_ERROR(CheckAtLeast("parts.first of a lease", message.first(), leased.first));
  v1::PartRange within = message;
  within.set_first(message.first() - leased.first);
  HL_ASSIGN_OR_RETURN(const WirePartRange range, PartRangeFromWire(within, leased.count));
  return PartRange{.first = static_cast<uint16_t>(leased.first + range.first),
                   .count = range.count};
}

absl::StatusOr<GetPlan> PlanByLease(BlockStore& store, const v1::GetRequest& request) {
  HL_ASSIGN_OR_RETURN(const BlockStore::LeasedBlocks leased, store.Leased(request.lease_id()));
  GetPlan plan;
  plan.ns = leased.ns;
  plan.lease = request.lease_id();
  if (!request.namespace_id().empty() &&
      request.namespace_id() != NamespaceIdToWire(leased.ns->id)) {
    return absl::FailedPreconditionError("the lease belongs to another namespace");
  }
  HL_ASSIGN_OR_RETURN(plan.parts, LeasedParts(request.parts(), leased.parts));
  const uint64_t blocks = leased.blocks.size() / leased.parts.count;
  HL_RETURN_IF_ERROR(CheckAtMost("first", request.first(), blocks));
  const uint64_t rest = blocks - request.first();
  HL_RETURN_IF_ERROR(CheckAtMost("count", request.count(), rest));
  const uint64_t count = request.count() == 0 ? rest : request.count();
  HL_RETURN_IF_ERROR(CheckTransfer(count, plan.parts.count));
  plan.first_index = request.first();
  plan.end_index = static_cast<uint32_t>(request.first() + count);
  for (uint32_t index = plan.first_index; index < plan.end_index; ++index) {
    for (uint16_t i = 0; i < plan.parts.count; ++i) {
      const uint16_t part = plan.parts.first + i;
      const BlockRef& block =
          leased.blocks[size_t{index} * leased.parts.count + (part - leased.parts.first)];
      plan.items.push_back(
          {.index = index, .part = part, .address = {}, .leased = block, .is_hole = !block});
    }
  }
  return plan;
}

absl::StatusOr<GetPlan> PlanBySource(BlockStore& store, const v1::GetRequest& request) {
  switch (request.source_case()) {
    case v1::GetRequest::kChain:
      return PlanByChain(store, request);
    case v1::GetRequest::kLeaseId:
      return PlanByLease(store, request);
    case v1::GetRequest::SOURCE_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("source is missing: set chain or lease_id");
}

}  // namespace

void GetPlan::LetGoOfLeased(size_t first_item) {
  for (size_t i = first_item; i < items.size(); ++i) items[i].leased = BlockRef();
}

absl::Status GetPlan::TakeLeased(BlockStore& store, size_t first_item) {
  HL_ASSIGN_OR_RETURN(const BlockStore::LeasedBlocks from, store.Leased(*lease));
  for (size_t i = first_item; i < items.size(); ++i) {
    items[i].leased =
        from.blocks[items[i].index * from.parts.count + (items[i].part - from.parts.first)];
  }
  return absl::OkStatus();
}

absl::StatusOr<GetPlan> MakeGetPlan(BlockStore& store, const v1::GetRequest& request) {
  if (!v1::Order_IsValid(request.order())) {
    return absl::InvalidArgumentError(
        absl::StrCat("order is ", static_cast<int>(request.order()), ", which is not known"));
  }
  HL_ASSIGN_OR_RETURN(GetPlan plan, PlanBySource(store, request));
  HL_ASSIGN_OR_RETURN(plan.attributes, AttributesFromWire(request.attributes()));
  plan.ascending = request.order() != v1::ORDER_DESC;
  if (!plan.ascending) {
    // Last block first, parts of a block in their order.
    std::stable_sort(
        plan.items.begin(), plan.items.end(),
        [](const GetPlan::Item& a, const GetPlan::Item& b) { return a.index > b.index; });
  }
  return plan;
}

}  // namespace halflife
