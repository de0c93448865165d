#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "absl/types/span.h"
#include "common/block/block_id.h"

namespace halflife {

// The key under which a block is stored: 128 bits of namespace, then 128 bits over (hash, group,
// part), both keyed with the tenant's secret. One range delete drops a namespace; nobody without
// the secret can predict, hit or probe a key. 16 + 16 bytes, uniform.
struct BlockKey {
  Digest128 ns{};
  Digest128 block{};

  friend auto operator<=>(const BlockKey&, const BlockKey&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const BlockKey& key) {
    return H::combine(std::move(state), key.Head());
  }
  // First 8 bytes of the uniform half: hash, shard and partition are cut from it.
  uint64_t Head() const {
    uint64_t head;
    std::memcpy(&head, block.data(), sizeof head);
    return head;
  }
};

// Identity hash for flat_hash_map<BlockKey, …>: the key is uniform already.
struct BlockKeyHash {
  size_t operator()(const BlockKey& key) const { return key.Head(); }
};

// A tenant's 256-bit secret. Never logged.
struct TenantSecret {
  Digest256 bytes{};
};

// Derives stored keys of one namespace. Immutable; thread-safe.
//   ns128     = BLAKE2b-128(key = secret, "halflife-ns-key-1"  || ns256)
//   block key = BLAKE2b-128(key = secret, "halflife-blk-key-1" || ns256), then per block
//   block128  = SipHash-2-4-128(block key, hash || le32 group || le16 part)
// BLAKE2b and SipHash from libsodium; SipHash because a 512-block lookup derives 512 keys: 25 ns
// each, or 9 ns where the processor has AVX2 and hashes eight at a time.
class KeyDeriver {
 public:
  KeyDeriver(const TenantSecret& secret, const NamespaceId& ns);

  BlockKey KeyOf(const BlockHash& hash, uint32_t group, uint16_t part) const;
  // The keys of many blocks: `keys` has as many places as there are hashes.
  void KeysOf(absl::Span<const BlockHash> hashes, uint32_t group, uint16_t part,
              absl::Span<BlockKey> keys) const;
  const Digest128& ns() const { return ns_; }

 private:
  Digest128 ns_;
  Digest128 siphash_key_;
};

}  // namespace halflife
