#include "common/block/token_hashing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/limits.h"

namespace halflife {
namespace {

using ::testing::ElementsAre;

NamespaceDescriptor Descriptor(HashScheme scheme, uint32_t tokens_per_block = 4) {
  NamespaceDescriptor ns;
  ns.engine = "vllm";
  ns.engine_abi = "LBHNC";
  ns.model_name = "meta-llama/Llama-3.1-8B";
  ns.kv_dtype = "bf16";
  ns.tokens_per_block = tokens_per_block;
  ns.block_bytes = 65536;
  ns.hash_scheme = scheme;
  return ns;
}

std::vector<std::string> HexHashes(const NamespaceDescriptor& ns,
                                   const std::vector<uint32_t>& tokens) {
  const auto hashes = HashTokens(ns, tokens);
  EXPECT_TRUE(hashes.ok()) << hashes.status();
  std::vector<std::string> hex;
  for (const BlockHash& hash : *hashes) hex.push_back(Hex(hash.bytes));
  return hex;
}

const std::vector<uint32_t> kCounting = {0, 1, 2, 3, 4, 5, 6, 7};
// One token id of every CBOR width.
const std::vector<uint32_t> kWidths = {0, 23, 24, 255, 256, 65535, 65536, 151935};

// The vectors of this file were made with Python's hashlib and cbor2 from the published
// definitions: vLLM's hash_block_tokens (vllm/v1/core/kv_cache_utils.py) and SGLang's get_hash_str.
// docs/formats.md repeats them.

TEST(TokenHashing, OwnSchemeChainsFromTheNamespaceId) {
  EXPECT_THAT(HexHashes(Descriptor(HashScheme::kHalflife), kCounting),
              ElementsAre("c7687ed363bee62bce43ef67004eb34e762bfb4f71af5be59e0e8c9c114effc2",
                          "c3ed23ab109e6a5310f3908fe64a59aaf0a047391ad6ca97153cc54027b9d593"));
  EXPECT_THAT(HexHashes(Descriptor(HashScheme::kHalflife), kWidths),
              ElementsAre("fc1510462ed0759056a5ae0226276cb586ceeda0135cd8872aa614f1c5352853",
                          "fac7473850c6da8c51d527da3aea98a85d3cd88b69540919723eb1e52b27e53f"));
}

TEST(TokenHashing, VllmSchemeIsSha256OfCanonicalCbor) {
  EXPECT_THAT(HexHashes(Descriptor(HashScheme::kVllmSha256Cbor), kCounting),
              ElementsAre("bd0be5c1c5573d2f12facf4f40bce8db5a846cdc61b4a71614efb30a5718ff1b",
                          "f428c2c53ce77b6e12e1e8285a5c4c4a95c1035d0cbdcadaf244556d5ad9c78a"));
}

TEST(TokenHashing, VllmSchemeStartsFromNoneHash) {
  NamespaceDescriptor ns = Descriptor(HashScheme::kVllmSha256Cbor);
  // sha256(cbor("0")): vLLM's NONE_HASH with PYTHONHASHSEED=0 and sha256_cbor.
  ASSERT_TRUE(ParseHex("4e1195df020de59e0d65a33a4279f1183e7ae4e5d980e309f8b55adff2e61c3e",
                       absl::MakeSpan(ns.hash_seed)));

  EXPECT_THAT(HexHashes(ns, kWidths),
              ElementsAre("ca90027d467f8ae0c02e71aa4eff29f116d1b74ca16446a60ab640f53e976f43",
                          "a00e16765098cf2d30bf90a61b546e19e72b1ad35d37a6a03d5c490dfe6ca1a2"));
}

TEST(TokenHashing, VllmSchemeWritesLongArraysWithALongHead) {
  NamespaceDescriptor ns = Descriptor(HashScheme::kVllmSha256Cbor, 30);
  ASSERT_TRUE(ParseHex("4e1195df020de59e0d65a33a4279f1183e7ae4e5d980e309f8b55adff2e61c3e",
                       absl::MakeSpan(ns.hash_seed)));
  std::vector<uint32_t> tokens(30);
  for (uint32_t i = 0; i < 30; ++i) tokens[i] = 1000 + i;

  EXPECT_THAT(HexHashes(ns, tokens),
              ElementsAre("a2f893905fa843ab72ffc3d8a83281ce0c980dbb38056789a18e1e3788a02baf"));
}

TEST(TokenHashing, SglangSchemeHasNoParentInFrontOfTheFirstBlock) {
  EXPECT_THAT(HexHashes(Descriptor(HashScheme::kSglang), kCounting),
              ElementsAre("baed642339816affb3fe8719792d0e4ce82f12db72b7373d244eaa65445800fe",
                          "01414b052706d93bd0f1f1646c0e8ca2fa8ef5efd7bcc99f7a1cee8eb11ad052"));
  EXPECT_THAT(HexHashes(Descriptor(HashScheme::kSglang), kWidths),
              ElementsAre("b152770914727e87f17be69271cbc1f23fea1cabe1811781b573f713b27f5d44",
                          "b1b6f65ed39ba61e8525a0f399ce2749f750b778eb801d92436ad7f5c9f93f40"));
}

TEST(TokenHashing, APartialLastBlockHasNoHash) {
  EXPECT_EQ(HexHashes(Descriptor(HashScheme::kHalflife), {1, 2, 3}).size(), 0u);
  EXPECT_EQ(HexHashes(Descriptor(HashScheme::kHalflife), {1, 2, 3, 4, 5}).size(), 1u);
  EXPECT_EQ(HexHashes(Descriptor(HashScheme::kHalflife), {}).size(), 0u);
}

TEST(TokenHashing, OpaqueHashesCannotBeMadeFromTokens) {
  EXPECT_EQ(HashTokens(Descriptor(HashScheme::kOpaque), kCounting).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

TEST(TokenHashing, HoldsItsLimits) {
  const NamespaceDescriptor one = Descriptor(HashScheme::kSglang, 1);
  EXPECT_TRUE(HashTokens(one, std::vector<uint32_t>(kMaxChainBlocks)).ok());
  EXPECT_EQ(HashTokens(one, std::vector<uint32_t>(kMaxChainBlocks + 1)).status().code(),
            absl::StatusCode::kInvalidArgument);
  const NamespaceDescriptor wide = Descriptor(HashScheme::kSglang, 1024);
  EXPECT_TRUE(HashTokens(wide, std::vector<uint32_t>(kMaxLookupTokens)).ok());
  EXPECT_EQ(HashTokens(wide, std::vector<uint32_t>(kMaxLookupTokens + 1)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace halflife
