#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>

#include "common/hashing.h"

namespace halflife {

// 256-bit digest that names a block and, through its parent, the whole prefix before it. Comes from
// the engine (vLLM, SGLang) or from our own token hashing; opaque here.
struct BlockHash {
  Digest256 bytes{};

  friend bool operator==(const BlockHash&, const BlockHash&) = default;
  // Uniform already: the first 8 bytes are the hash (perf: absl::Hash over 32 bytes is 2.5-3.6x
  // slower).
  template <typename H>
  friend H AbslHashValue(H state, const BlockHash& hash) {
    uint64_t head;
    std::memcpy(&head, hash.bytes.data(), sizeof head);
    return H::combine(std::move(state), head);
  }
};
inline constexpr size_t kBlockHashBytes = 32;

// SHA-256("halflife-ns-1" || canonical descriptor): names what makes bytes interchangeable.
struct NamespaceId {
  Digest256 bytes{};

  friend bool operator==(const NamespaceId&, const NamespaceId&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const NamespaceId& id) {
    uint64_t head;
    std::memcpy(&head, id.bytes.data(), sizeof head);
    return H::combine(std::move(state), head);
  }
};

// What a stored block claims to be, in full. Compared on every read: two blocks with one stored key
// but another identity can never be confused.
struct BlockIdentity {
  NamespaceId ns;
  BlockHash hash;
  uint32_t group = 0;  // KV-cache group of a hybrid model, else 0
  uint16_t part = 0;   // rank's share, 0 <= part < NamespaceDescriptor::parts

  friend bool operator==(const BlockIdentity&, const BlockIdentity&) = default;
};

// Seed that binds a payload checksum to the identity it was put under, so that the right bytes
// under the wrong key do not verify. XXH3-64 over ns || hash || le32 group || le16 part. Known to
// client and server alike.
uint64_t ChecksumSeed(const BlockIdentity& identity);

// XXH3-128 of the payload, seeded by its identity.
Digest128 PayloadChecksum(const BlockIdentity& identity, absl::Span<const uint8_t> payload);

// First bytes in hex, for logs and pages: "9f86d081".
std::string ShortHex(absl::Span<const uint8_t> bytes);
std::string Hex(absl::Span<const uint8_t> bytes);
// Returns false unless `text` is exactly 2 * size hex digits.
bool ParseHex(std::string_view text, absl::Span<uint8_t> out);

}  // namespace halflife
