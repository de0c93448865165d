#include "server/rpc/unary_handlers.h"

#include <utility>
#include <vector>

#include "common/block/token_hashing.h"
#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "proto/wire/limit_check.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

// Hashing costs about 10 ns per token (SHA-256 of 4 bytes each at 400 MB/s): 160 us of a gRPC
// thread at most.
constexpr int kMaxInlineTokens = 16384;

// The chain of a Lookup and what its view points into.
struct LookupChain {
  std::vector<BlockHash> hashed;  // of tokens; else the view is into the request
  ChainSlice slice;
};

absl::StatusOr<LookupChain> ChainOf(const NamespaceRef& ns, const v1::LookupRequest& request) {
  LookupChain chain;
  if (request.prefix_case() == v1::LookupRequest::kChain) {
    HL_ASSIGN_OR_RETURN(chain.slice, ChainSliceFromWire(ns, request.chain(), kMaxChainBlocks));
    return chain;
  }
  if (request.prefix_case() != v1::LookupRequest::kTokens) {
    return absl::InvalidArgumentError("prefix is missing: set chain or tokens");
  }
  const v1::Tokens& tokens = request.tokens();
  HL_RETURN_IF_ERROR(CheckAtMost("number of tokens.ids", tokens.ids_size(), kMaxLookupTokens));
  HL_RETURN_IF_ERROR(CheckAtMost("tokens.group", tokens.group(), kMaxGroups - 1));
  HL_ASSIGN_OR_RETURN(
      chain.hashed,
      HashTokens(ns->descriptor, {tokens.ids().data(), static_cast<size_t>(tokens.ids_size())}));
  chain.slice.ns = ns;
  chain.slice.group = tokens.group();
  chain.slice.hashes = chain.hashed;
  return chain;
}

absl::Status LeaseGone() { return absl::AbortedError("the lease is gone"); }

}  // namespace

absl::StatusOr<v1::OpenNamespaceResponse> HandleOpenNamespace(
    BlockStore& store, const v1::OpenNamespaceRequest& request) {
  HL_ASSIGN_OR_RETURN(const NamespaceDescriptor descriptor,
                      DescriptorFromWire(request.namespace_descriptor()));
  HL_ASSIGN_OR_RETURN(const NamespaceRef ns, store.OpenNamespace(descriptor));

  v1::OpenNamespaceResponse response;
  const std::string_view id = NamespaceIdToWire(ns->id);
  response.set_namespace_id(id.data(), id.size());
  response.set_block_bytes(ns->descriptor.block_bytes);
  response.set_view_epoch(1);
  v1::Limits* limits = response.mutable_limits();
  limits->set_max_chain_blocks(kMaxChainBlocks);
  limits->set_max_transfer_blocks(kMaxTransferBlocks);
  limits->set_max_frame_bytes(kMaxFrameBytes);
  limits->set_max_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(kMaxLease)));
  return response;
}

bool LookupBlocks(const v1::LookupRequest& request) {
  return request.pin() || request.tokens().ids_size() > kMaxInlineTokens;
}

absl::StatusOr<v1::LookupResponse> HandleLookup(BlockStore& store,
                                                const v1::LookupRequest& request) {
  HL_ASSIGN_OR_RETURN(const NamespaceRef ns, FindNamespaceOf(store, request.namespace_id()));
  HL_ASSIGN_OR_RETURN(const PartRange parts, StorePartsFromWire(ns, request.parts()));
  HL_ASSIGN_OR_RETURN(const RequestAttributes attributes, AttributesFromWire(request.attributes()));
  HL_ASSIGN_OR_RETURN(const absl::Duration lease, LeaseFromWire(request.lease_ms()));
  HL_ASSIGN_OR_RETURN(const LookupChain chain, ChainOf(ns, request));
  const uint32_t blocks = static_cast<uint32_t>(chain.slice.hashes.size());

  // Fewer tokens than a block: nothing to look for, and not a miss of any block.
  if (blocks == 0) return LookupToWire({}, 0);
  if (!request.pin()) return LookupToWire(store.Lookup(chain.slice, parts, attributes), blocks);

  const PinnedLookup pinned = store.Pin(chain.slice, parts, attributes, lease);
  v1::LookupResponse response = LookupToWire(pinned.lookup, blocks);
  response.set_lease_id(pinned.lease);
  response.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(pinned.lease_duration)));
  response.set_pinned_blocks(pinned.pinned_blocks);
  return response;
}

absl::StatusOr<v1::ReleaseResponse> HandleRelease(BlockStore& store,
                                                  const v1::ReleaseRequest& request) {
  const absl::Status status = store.Release(request.lease_id());
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  v1::ReleaseResponse response;
  response.set_released(status.ok());
  return response;
}

absl::StatusOr<v1::RenewResponse> HandleRenew(BlockStore& store, const v1::RenewRequest& request) {
  HL_ASSIGN_OR_RETURN(const absl::Duration wanted, LeaseFromWire(request.lease_ms()));
  const absl::StatusOr<absl::Duration> left = store.Renew(request.lease_id(), wanted);
  if (absl::IsNotFound(left.status())) return LeaseGone();
  HL_RETURN_IF_ERROR(left.status());
  v1::RenewResponse response;
  response.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(*left)));
  return response;
}

absl::StatusOr<v1::TouchResponse> HandleTouch(BlockStore& store, const v1::TouchRequest& request) {
  HL_ASSIGN_OR_RETURN(const NamespaceRef ns, FindNamespaceOf(store, request.namespace_id()));
  HL_ASSIGN_OR_RETURN(const PartRange parts, StorePartsFromWire(ns, request.parts()));
  HL_ASSIGN_OR_RETURN(const RequestAttributes attributes, AttributesFromWire(request.attributes()));
  HL_ASSIGN_OR_RETURN(const ChainSlice chain,
                      ChainSliceFromWire(ns, request.chain(), kMaxChainBlocks));
  store.Touch(chain, static_cast<uint32_t>(chain.hashes.size()), parts, attributes);
  return v1::TouchResponse();
}

bool HintBlocks(const v1::HintRequest& request) { return request.kind() == v1::HINT_KIND_PREFETCH; }

absl::StatusOr<v1::HintResponse> HandleHint(BlockStore& store, const v1::HintRequest& request) {
  HL_ASSIGN_OR_RETURN(const NamespaceRef ns, FindNamespaceOf(store, request.namespace_id()));
  HL_ASSIGN_OR_RETURN(const PartRange parts, StorePartsFromWire(ns, request.parts()));
  HL_ASSIGN_OR_RETURN(const CallerHint hint, HintFromWire(request));
  HL_ASSIGN_OR_RETURN(const ChainSlice chain,
                      ChainSliceFromWire(ns, request.chain(), kMaxChainBlocks));
  return HintAnswerToWire(store.Hint(chain, parts, hint));
}

absl::StatusOr<v1::DeleteResponse> HandleDelete(BlockStore& store,
                                                const v1::DeleteRequest& request) {
  HL_ASSIGN_OR_RETURN(const NamespaceRef ns, FindNamespaceOf(store, request.namespace_id()));
  v1::DeleteResponse response;
  switch (request.target_case()) {
    case v1::DeleteRequest::kChain: {
      HL_ASSIGN_OR_RETURN(const ChainSlice chain,
                          ChainSliceFromWire(ns, request.chain(), kMaxChainBlocks));
      const PartRange all{.first = 0, .count = static_cast<uint16_t>(ns->descriptor.parts)};
      response.set_deleted(store.DeleteChain(chain, all));
      return response;
    }
    case v1::DeleteRequest::kWholeNamespace:
      if (!request.whole_namespace()) return absl::InvalidArgumentError("whole_namespace is false");
      response.set_deleted(store.DeleteNamespace(ns));
      return response;
    case v1::DeleteRequest::TARGET_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("target is missing: set chain or whole_namespace");
}

}  // namespace halflife
