#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/block/block_id.h"

namespace halflife {

// How block hashes of a namespace are made from token ids.
enum class HashScheme : uint8_t {
  kOpaque = 0,          // the caller brings hashes; token-id lookups are refused
  kHalflife = 1,        // SHA-256(parent || le32 tokens...), root = ns256
  kVllmSha256Cbor = 2,  // sha256(cbor([parent, [tokens], extra])), root = NONE_HASH
  kSglang = 3,          // sha256(parent || le32 tokens...), first block without a parent
};

// Everything that makes two blocks' bytes interchangeable. Two descriptors that differ in any field
// are two namespaces, so blocks of another model, dtype, layout or LoRA can never be returned.
// Bounds (docs/limits.md): strings at most 1,024 bytes of UTF-8, block_bytes 4 KiB..256 MiB,
// parts 1..1,024.
struct NamespaceDescriptor {
  std::string engine;      // "vllm", "sglang", "llama.cpp", …
  std::string engine_abi;  // KV layout or state version of that engine
  std::string model_name;  // required; also the metrics label model_name
  std::string model_revision;
  std::string weights_fingerprint;  // digest of config and weights index
  std::string kv_dtype;             // "bf16", "fp8_e4m3", …
  std::string lora;                 // name@revision, empty for none
  std::string tenant;               // sharing domain; salt
  std::string user_tag;
  uint32_t tokens_per_block = 0;  // > 0
  uint64_t block_bytes = 0;       // of one part; fixed for the namespace
  uint32_t parts = 1;             // ranks a block is cut into
  HashScheme hash_scheme = HashScheme::kOpaque;
  Digest256 hash_seed{};  // NONE_HASH of vLLM; zero otherwise

  friend bool operator==(const NamespaceDescriptor&, const NamespaceDescriptor&) = default;

  // Returns: kInvalidArgument naming the field that is out of its bounds.
  absl::Status Validate() const;

  // Canonical bytes: magic "HLND", version, then fields in order of their tag as (be16 tag, be32
  // length, bytes); integers are big-endian, fields with their zero value are left out. Grammar:
  // docs/formats.md.
  std::string Encode() const;
  // Returns: kInvalidArgument unless `bytes` is exactly what Encode() writes for some valid
  // descriptor.
  static absl::StatusOr<NamespaceDescriptor> Decode(std::string_view bytes);

  // SHA-256("halflife-ns-1" || Encode()).
  NamespaceId Id() const;
};

}  // namespace halflife
