#include "proto/wire/descriptor_wire.h"

#include <cstring>

#include "common/status.h"
#include "proto/wire/limit_check.h"

namespace halflife {

v1::HashScheme HashSchemeToWire(HashScheme scheme) {
  switch (scheme) {
    case HashScheme::kOpaque:
      break;
    case HashScheme::kHalflife:
      return v1::HASH_SCHEME_HALFLIFE;
    case HashScheme::kVllmSha256Cbor:
      return v1::HASH_SCHEME_VLLM_SHA256_CBOR;
    case HashScheme::kSglang:
      return v1::HASH_SCHEME_SGLANG;
  }
  return v1::HASH_SCHEME_OPAQUE;
}

absl::StatusOr<HashScheme> HashSchemeFromWire(v1::HashScheme scheme) {
  switch (scheme) {
    case v1::HASH_SCHEME_UNSPECIFIED:
    case v1::HASH_SCHEME_OPAQUE:
      return HashScheme::kOpaque;
    case v1::HASH_SCHEME_HALFLIFE:
      return HashScheme::kHalflife;
    case v1::HASH_SCHEME_VLLM_SHA256_CBOR:
      return HashScheme::kVllmSha256Cbor;
    case v1::HASH_SCHEME_SGLANG:
      return HashScheme::kSglang;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("hash_scheme is ", static_cast<int>(scheme), ", which is not known"));
  }
}

v1::NamespaceDescriptor DescriptorToWire(const NamespaceDescriptor& descriptor) {
  v1::NamespaceDescriptor message;
  message.set_engine(descriptor.engine);
  message.set_engine_abi(descriptor.engine_abi);
  message.set_model_name(descriptor.model_name);
  message.set_model_revision(descriptor.model_revision);
  message.set_weights_fingerprint(descriptor.weights_fingerprint);
  message.set_kv_dtype(descriptor.kv_dtype);
  message.set_lora(descriptor.lora);
  message.set_tenant(descriptor.tenant);
  message.set_user_tag(descriptor.user_tag);
  message.set_tokens_per_block(descriptor.tokens_per_block);
  message.set_block_bytes(descriptor.block_bytes);
  message.set_parts(descriptor.parts);
  message.set_hash_scheme(HashSchemeToWire(descriptor.hash_scheme));
  if (descriptor.hash_seed != Digest256{}) {
    message.set_hash_seed(descriptor.hash_seed.data(), descriptor.hash_seed.size());
  }
  return message;
}

absl::StatusOr<NamespaceDescriptor> DescriptorFromWire(const v1::NamespaceDescriptor& message) {
  NamespaceDescriptor descriptor;
  descriptor.engine = message.engine();
  descriptor.engine_abi = message.engine_abi();
  descriptor.model_name = message.model_name();
  descriptor.model_revision = message.model_revision();
  descriptor.weights_fingerprint = message.weights_fingerprint();
  descriptor.kv_dtype = message.kv_dtype();
  descriptor.lora = message.lora();
  descriptor.tenant = message.tenant();
  descriptor.user_tag = message.user_tag();
  descriptor.tokens_per_block = message.tokens_per_block();
  descriptor.block_bytes = message.block_bytes();
  descriptor.parts = message.parts() == 0 ? 1 : message.parts();
  HL_ASSIGN_OR_RETURN(descriptor.hash_scheme, HashSchemeFromWire(message.hash_scheme()));
  if (!message.hash_seed().empty()) {
    HL_RETURN_IF_ERROR(CheckBytes("hash_seed", message.hash_seed().size(), sizeof(Digest256)));
    std::memcpy(descriptor.hash_seed.data(), message.hash_seed().data(), sizeof(Digest256));
  }
  HL_RETURN_IF_ERROR(descriptor.Validate());
  return descriptor;
}

}  // namespace halflife
