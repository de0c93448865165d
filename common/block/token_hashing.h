#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/block_id.h"
#include "common/block/namespace_descriptor.h"

namespace halflife {

// Block hashes of the full blocks of `tokens` (a partial last block has no hash), by the
// namespace's scheme:
//   kHalflife       SHA-256(parent || le32 tokens...), parent of the first block = ns256
//   kVllmSha256Cbor SHA-256(canonical CBOR of [parent bytes, [tokens...], null]), first parent =
//   hash_seed
//                   (vllm/v1/core/kv_cache_utils.py; requests with extra keys - LoRA, salt, images
//                   - cannot be hashed from tokens alone)
//   kSglang         SHA-256(parent || le32 tokens...), first block: no parent bytes
// Test vectors: tests/common/token_hashing_test.cc and docs/formats.md.
// Returns: kFailedPrecondition for kOpaque; kInvalidArgument above kMaxLookupTokens or
// kMaxChainBlocks.
absl::StatusOr<std::vector<BlockHash>> HashTokens(const NamespaceDescriptor& ns,
                                                  absl::Span<const uint32_t> tokens);

}  // namespace halflife
