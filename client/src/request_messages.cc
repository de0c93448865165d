#include "client/src/request_messages.h"

#include <algorithm>
#include <string>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/limit_check.h"

namespace halflife::client {
namespace {

static_assert(sizeof(BlockHash) == sizeof(Hash) && alignof(BlockHash) == alignof(Hash));

absl::Span<const BlockHash> AsBlockHashes(View<Hash> hashes) {
  return {reinterpret_cast<const BlockHash*>(hashes.data), hashes.size};
}

absl::StatusOr<v1::Attributes> AttributesMessage(const Attributes& given) {
  const RequestAttributes attributes{.app = given.app,
                                     .turn = given.turn,
                                     .stop_reason = given.stop_reason,
                                     .tool = given.tool,
                                     .session = given.session,
                                     .labels = given.labels};
  HL_RETURN_IF_ERROR(attributes.Validate());
  return AttributesToWire(attributes);
}

struct ChainPosition {
  uint32_t first_depth = 0;
  uint32_t group = 0;
  const Hash* parent = nullptr;
};

absl::StatusOr<v1::Chain> ChainMessage(absl::Span<const BlockHash> hashes,
                                       const ChainPosition& position) {
  HL_RETURN_IF_ERROR(CheckAtLeast("chain blocks", hashes.size(), 1));
  HL_RETURN_IF_ERROR(CheckAtMost("chain blocks", hashes.size(), kMaxChainBlocks));
  HL_RETURN_IF_ERROR(CheckAtMost("group", position.group, kMaxGroups - 1));
  HL_RETURN_IF_ERROR(CheckAtMost("first_depth", position.first_depth, UINT32_MAX - hashes.size()));
  ChainView chain{.hashes = hashes,
                  .first_depth = position.first_depth,
                  .parent = std::nullopt,
                  .group = position.group};
  if (position.parent != nullptr && position.first_depth > 0)
    chain.parent = BlockHash{*position.parent};
  return ChainToWire(chain);
}

absl::Status SetParts(uint32_t first, uint32_t count, uint32_t parts, v1::PartRange* message) {
  HL_RETURN_IF_ERROR(CheckAtMost("part_first", first, parts - 1));
  HL_RETURN_IF_ERROR(CheckAtMost("part_count", count, parts - first));
  message->set_first(first);
  message->set_count(count);
  return absl::OkStatus();
}

std::string IdMessage(const NamespaceState& ns) { return std::string(NamespaceIdToWire(ns.id)); }

}  // namespace

absl::StatusOr<NamespaceDescriptor> DescriptorOf(const Namespace& given) {
  const NamespaceDescriptor descriptor{
      .engine = given.engine,
      .engine_abi = given.engine_abi,
      .model_name = given.model_name,
      .model_revision = given.model_revision,
      .weights_fingerprint = given.weights_fingerprint,
      .kv_dtype = given.kv_dtype,
      .lora = given.lora,
      .tenant = given.tenant,
      .user_tag = given.user_tag,
      .tokens_per_block = given.tokens_per_block,
      .block_bytes = given.block_bytes,
      .parts = given.parts,
      .hash_scheme = static_cast<halflife::HashScheme>(given.hash_scheme),
      .hash_seed = given.hash_seed};
  HL_RETURN_IF_ERROR(descriptor.Validate());
  return descriptor;
}

absl::StatusOr<v1::LookupRequest> LookupMessage(const LookupRequest& request,
                                                const NamespaceState& ns) {
  v1::LookupRequest message;
  message.set_namespace_id(IdMessage(ns));
  if (request.tokens.size > 0) {
    if (request.chain.size > 0)
      return absl::InvalidArgumentError("both chain and tokens are given");
    if (ns.descriptor.hash_scheme == halflife::HashScheme::kOpaque) {
      return absl::InvalidArgumentError("tokens are given, but hashes of the namespace are opaque");
    }
    HL_RETURN_IF_ERROR(CheckAtMost("tokens", request.tokens.size, kMaxLookupTokens));
    HL_RETURN_IF_ERROR(CheckAtMost("blocks of the tokens",
                                   request.tokens.size / ns.descriptor.tokens_per_block,
                                   kMaxChainBlocks));
    HL_RETURN_IF_ERROR(CheckAtMost("group", request.group, kMaxGroups - 1));
    message.mutable_tokens()->mutable_ids()->Add(request.tokens.begin(), request.tokens.end());
    message.mutable_tokens()->set_group(request.group);
  } else {
    HL_ASSIGN_OR_RETURN(*message.mutable_chain(),
                        ChainMessage(AsBlockHashes(request.chain),
                                     {.first_depth = request.first_depth, .group = request.group}));
  }
  HL_ASSIGN_OR_RETURN(*message.mutable_attributes(), AttributesMessage(request.attributes));
  HL_RETURN_IF_ERROR(SetParts(request.part_first, request.part_count, ns.descriptor.parts,
                              message.mutable_parts()));
  message.set_pin(request.pin);
  const int64_t max_lease_ms = absl::ToInt64Milliseconds(kMaxLease);
  if (request.pin) {
    message.set_lease_ms(
        static_cast<uint32_t>(std::clamp<int64_t>(request.lease.count(), 1, max_lease_ms)));
  }
  return message;
}

absl::StatusOr<v1::GetRequest> GetMessage(const GetRequest& request, const NamespaceState& ns,
                                          const TransferShape& shape) {
  v1::GetRequest message;
  message.set_namespace_id(IdMessage(ns));
  if (request.lease != nullptr && *request.lease) {
    HL_RETURN_IF_ERROR(CheckAtMost("blocks", shape.chain.size(), request.lease->blocks()));
    message.set_lease_id(request.lease->id());
    message.set_count(static_cast<uint32_t>(shape.chain.size()));
  } else {
    HL_ASSIGN_OR_RETURN(
        *message.mutable_chain(),
        ChainMessage(shape.chain, {.first_depth = request.first_depth, .group = request.group}));
  }
  HL_RETURN_IF_ERROR(
      SetParts(shape.part_first, shape.part_count, ns.descriptor.parts, message.mutable_parts()));
  message.set_order(request.order == Order::kDescending ? v1::ORDER_DESC : v1::ORDER_ASC);
  HL_ASSIGN_OR_RETURN(*message.mutable_attributes(), AttributesMessage(request.attributes));
  return message;
}

absl::StatusOr<v1::PutHeader> PutHeaderMessage(const PutRequest& request, const NamespaceState& ns,
                                               const TransferShape& shape) {
  v1::PutHeader message;
  message.set_namespace_id(IdMessage(ns));
  HL_ASSIGN_OR_RETURN(*message.mutable_chain(),
                      ChainMessage(shape.chain, {.first_depth = request.first_depth,
                                                 .group = request.group,
                                                 .parent = request.parent}));
  HL_RETURN_IF_ERROR(
      SetParts(shape.part_first, shape.part_count, ns.descriptor.parts, message.mutable_parts()));
  HL_ASSIGN_OR_RETURN(*message.mutable_attributes(), AttributesMessage(request.attributes));
  return message;
}

absl::StatusOr<v1::TouchRequest> TouchMessage(View<Hash> chain, const Attributes& attributes,
                                              const NamespaceState& ns) {
  v1::TouchRequest message;
  message.set_namespace_id(IdMessage(ns));
  HL_ASSIGN_OR_RETURN(*message.mutable_chain(), ChainMessage(AsBlockHashes(chain), {}));
  HL_ASSIGN_OR_RETURN(*message.mutable_attributes(), AttributesMessage(attributes));
  return message;
}

absl::StatusOr<v1::HintRequest> HintMessage(const HintRequest& request, const NamespaceState& ns) {
  constexpr v1::HintKind kKinds[] = {v1::HINT_KIND_RETAIN, v1::HINT_KIND_PREFETCH,
                                     v1::HINT_KIND_DEMOTE, v1::HINT_KIND_RELEASE};
  v1::HintRequest message;
  message.set_namespace_id(IdMessage(ns));
  HL_ASSIGN_OR_RETURN(*message.mutable_chain(),
                      ChainMessage(AsBlockHashes(request.chain), {.group = request.group}));
  message.set_kind(kKinds[static_cast<size_t>(request.kind)]);
  if (request.duration.count() < 1 || absl::FromChrono(request.duration) > kMaxRetain) {
    return absl::InvalidArgumentError("duration is not between 1 ms and 1 h");
  }
  message.set_duration_ms(static_cast<uint32_t>(request.duration.count()));
  return message;
}

absl::StatusOr<v1::DeleteRequest> DeleteMessage(View<Hash> chain, const NamespaceState& ns) {
  v1::DeleteRequest message;
  message.set_namespace_id(IdMessage(ns));
  HL_ASSIGN_OR_RETURN(*message.mutable_chain(), ChainMessage(AsBlockHashes(chain), {}));
  return message;
}

v1::DeleteRequest DeleteNamespaceMessage(const NamespaceState& ns) {
  v1::DeleteRequest message;
  message.set_namespace_id(IdMessage(ns));
  message.set_whole_namespace(true);
  return message;
}

}  // namespace halflife::client
