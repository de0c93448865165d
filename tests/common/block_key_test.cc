#include "common/block/block_key.h"

#include <gtest/gtest.h>

#include <set>
#include <vector>

namespace halflife {
namespace {

TenantSecret CountingSecret() {
  TenantSecret secret;
  for (int i = 0; i < 32; ++i) secret.bytes[i] = static_cast<uint8_t>(i);
  return secret;
}

NamespaceId SomeNamespace() {
  NamespaceId ns;
  ns.bytes.fill(0xAB);
  return ns;
}

BlockHash SomeHash() {
  BlockHash hash;
  for (int i = 0; i < 32; ++i) hash.bytes[i] = static_cast<uint8_t>(100 + i);
  return hash;
}

// Made with Python's hashlib.blake2b and an own SipHash-2-4-128 that holds the reference vectors.
TEST(BlockKey, HasThePublishedValue) {
  const BlockKey key = KeyDeriver(CountingSecret(), SomeNamespace()).KeyOf(SomeHash(), 7, 3);

  EXPECT_EQ(Hex(key.ns), "ed4674e6c8600c24b76ba9015ce1c0e0");
  EXPECT_EQ(Hex(key.block), "2bebccf95c25fb6cbf2dd67fa383292b");
}

TEST(BlockKey, HangsOnEverythingThatNamesABlock) {
  TenantSecret other_secret = CountingSecret();
  other_secret.bytes[31] ^= 1;
  NamespaceId other_ns = SomeNamespace();
  other_ns.bytes[0] ^= 1;
  BlockHash other_hash = SomeHash();
  other_hash.bytes[31] ^= 1;
  const KeyDeriver keys(CountingSecret(), SomeNamespace());

  std::set<BlockKey> all = {
      keys.KeyOf(SomeHash(), 0, 0),
      keys.KeyOf(SomeHash(), 1, 0),
      keys.KeyOf(SomeHash(), 0, 1),
      keys.KeyOf(other_hash, 0, 0),
      KeyDeriver(other_secret, SomeNamespace()).KeyOf(SomeHash(), 0, 0),
      KeyDeriver(CountingSecret(), other_ns).KeyOf(SomeHash(), 0, 0),
  };

  EXPECT_EQ(all.size(), 6u);
}

TEST(BlockKey, TwoTenantsShareNeitherHalf) {
  TenantSecret other = CountingSecret();
  other.bytes[0] ^= 0x80;
  const BlockKey a = KeyDeriver(CountingSecret(), SomeNamespace()).KeyOf(SomeHash(), 0, 0);
  const BlockKey b = KeyDeriver(other, SomeNamespace()).KeyOf(SomeHash(), 0, 0);

  EXPECT_NE(a.ns, b.ns);
  EXPECT_NE(a.block, b.block);
}

TEST(BlockKey, OfManyBlocksIsThatOfEach) {
  const KeyDeriver keys(CountingSecret(), SomeNamespace());
  std::vector<BlockHash> hashes(40);
  for (size_t i = 0; i < hashes.size(); ++i) {
    for (size_t b = 0; b < 32; ++b) hashes[i].bytes[b] = static_cast<uint8_t>(i * 37 + b * b);
  }

  // Around the number of keys that are made at once, and what is over.
  for (const size_t count : {0, 1, 7, 8, 9, 16, 39, 40}) {
    std::vector<BlockKey> many(count);
    keys.KeysOf({hashes.data(), count}, 63, 1023, absl::MakeSpan(many));
    for (size_t i = 0; i < count; ++i) EXPECT_EQ(many[i], keys.KeyOf(hashes[i], 63, 1023)) << i;
  }
}

TEST(Hex, ParsesOnlyWhatItPrints) {
  std::array<uint8_t, 2> out{};
  EXPECT_TRUE(ParseHex("0aFf", absl::MakeSpan(out)));
  EXPECT_EQ(Hex(out), "0aff");
  for (const char* bad : {"", "0", "0af", "0afff", "0ag0", "0a f", "+0af"}) {
    EXPECT_FALSE(ParseHex(bad, absl::MakeSpan(out))) << bad;
  }
}

}  // namespace
}  // namespace halflife
