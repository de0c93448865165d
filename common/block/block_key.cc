#include "common/block/block_key.h"

#include <sodium.h>

#include "common/check.h"
#include "common/processor.h"
#include "common/siphash_avx2.h"

namespace halflife {
namespace {

Digest128 KeyedDigest(const TenantSecret& secret, std::string_view label, const NamespaceId& ns) {
  crypto_generichash_state state;
  Digest128 digest;
  HL_CHECK(sodium_init() >= 0);
  HL_CHECK(crypto_generichash_init(&state, secret.bytes.data(), secret.bytes.size(),
                                   digest.size()) == 0);
  crypto_generichash_update(&state, reinterpret_cast<const uint8_t*>(label.data()), label.size());
  crypto_generichash_update(&state, ns.bytes.data(), ns.bytes.size());
  crypto_generichash_final(&state, digest.data(), digest.size());
  return digest;
}

}  // namespace

KeyDeriver::KeyDeriver(const TenantSecret& secret, const NamespaceId& ns)
    : ns_(KeyedDigest(secret, "halflife-ns-key-1", ns)),
      siphash_key_(KeyedDigest(secret, "halflife-blk-key-1", ns)) {
  static_assert(crypto_shorthash_siphashx24_KEYBYTES == 16);
  static_assert(crypto_shorthash_siphashx24_BYTES == 16);
}

BlockKey KeyDeriver::KeyOf(const BlockHash& hash, uint32_t group, uint16_t part) const {
  std::array<uint8_t, 38> input;
  std::memcpy(input.data(), hash.bytes.data(), 32);
  for (int i = 0; i < 4; ++i) input[32 + i] = static_cast<uint8_t>(group >> (8 * i));
  for (int i = 0; i < 2; ++i) input[36 + i] = static_cast<uint8_t>(part >> (8 * i));
  BlockKey key;
  key.ns = ns_;
  crypto_shorthash_siphashx24(key.block.data(), input.data(), input.size(), siphash_key_.data());
  return key;
}

void KeyDeriver::KeysOf(absl::Span<const BlockHash> hashes, uint32_t group, uint16_t part,
                        absl::Span<BlockKey> keys) const {
  constexpr size_t kLanes = internal::kSipHashLanes;
  HL_CHECK(keys.size() == hashes.size());
  static_assert(sizeof(BlockHash) == 32, "the lanes read hashes that lie side by side");
  size_t done = 0;
  if (HaveAvx2()) {
    const uint64_t tail = uint64_t{group} | uint64_t{part} << 32;
    for (; done + kLanes <= hashes.size(); done += kLanes) {
      for (size_t i = done; i < done + kLanes; ++i) keys[i].ns = ns_;
      internal::SipHash128Avx2(siphash_key_.data(), hashes[done].bytes.data(), tail,
                               keys[done].block.data(), sizeof(BlockKey));
    }
  }
  for (; done < hashes.size(); ++done) keys[done] = KeyOf(hashes[done], group, part);
}

}  // namespace halflife
