#include <gtest/gtest.h>

#include "common/limits.h"
#include "proto/wire/attributes_wire.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"

namespace halflife {
namespace {

NamespaceDescriptor FullDescriptor() {
  NamespaceDescriptor descriptor;
  descriptor.engine = "vllm";
  descriptor.engine_abi = "v1";
  descriptor.model_name = "llama";
  descriptor.model_revision = "main";
  descriptor.weights_fingerprint = "9f86";
  descriptor.kv_dtype = "bf16";
  descriptor.lora = "sql@3";
  descriptor.tenant = "acme";
  descriptor.user_tag = "blue";
  descriptor.tokens_per_block = 16;
  descriptor.block_bytes = 65536;
  descriptor.parts = 8;
  descriptor.hash_scheme = HashScheme::kVllmSha256Cbor;
  descriptor.hash_seed.fill(7);
  return descriptor;
}

TEST(DescriptorWire, EveryFieldSurvivesTheWay) {
  EXPECT_EQ(*DescriptorFromWire(DescriptorToWire(FullDescriptor())), FullDescriptor());
  for (const HashScheme scheme :
       {HashScheme::kOpaque, HashScheme::kHalflife, HashScheme::kSglang}) {
    NamespaceDescriptor descriptor = FullDescriptor();
    descriptor.hash_scheme = scheme;
    descriptor.hash_seed = {};
    EXPECT_EQ(*DescriptorFromWire(DescriptorToWire(descriptor)), descriptor);
  }
}

TEST(DescriptorWire, ZeroPartsMeansOne) {
  v1::NamespaceDescriptor message = DescriptorToWire(FullDescriptor());
  message.clear_parts();
  EXPECT_EQ(DescriptorFromWire(message)->parts, 1);
}

TEST(DescriptorWire, BadFieldsAreNamed) {
  v1::NamespaceDescriptor message = DescriptorToWire(FullDescriptor());
  message.set_hash_seed("short");
  EXPECT_EQ(DescriptorFromWire(message).status().message(), "hash_seed has 5 bytes, expected 32");
  message.clear_hash_seed();
  message.set_hash_scheme(static_cast<v1::HashScheme>(44));
  EXPECT_EQ(DescriptorFromWire(message).status().message(),
            "hash_scheme is 44, which is not known");
  message.set_hash_scheme(v1::HASH_SCHEME_OPAQUE);
  message.clear_model_name();
  EXPECT_EQ(DescriptorFromWire(message).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(AttributesWire, EveryFieldSurvivesAndLabelsComeInOrder) {
  RequestAttributes attributes;
  attributes.app = "agent";
  attributes.turn = 4;
  attributes.stop_reason = "tool_use";
  attributes.tool = "search";
  attributes.session = ~uint64_t{0};
  attributes.labels = {{"b", "2"}, {"a", "1"}};

  const absl::StatusOr<RequestAttributes> back = AttributesFromWire(AttributesToWire(attributes));

  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->app, "agent");
  EXPECT_EQ(back->turn, 4);
  EXPECT_EQ(back->stop_reason, "tool_use");
  EXPECT_EQ(back->tool, "search");
  EXPECT_EQ(back->session, ~uint64_t{0});
  EXPECT_EQ(back->labels,
            (std::vector<std::pair<std::string, std::string>>{{"a", "1"}, {"b", "2"}}));
}

std::vector<BlockHash> Hashes(size_t count) {
  std::vector<BlockHash> hashes(count);
  for (size_t i = 0; i < count; ++i) hashes[i].bytes.fill(static_cast<uint8_t>(i));
  return hashes;
}

TEST(ChainWire, AChainIsViewedWhereItLies) {
  const std::vector<BlockHash> hashes = Hashes(3);
  BlockHash parent;
  parent.bytes.fill(9);
  const v1::Chain message =
      ChainToWire({.hashes = hashes, .first_depth = 5, .parent = parent, .group = 2});

  const absl::StatusOr<ChainView> chain = ChainFromWire(message, 3);

  ASSERT_TRUE(chain.ok()) << chain.status();
  EXPECT_EQ(static_cast<const void*>(chain->hashes.data()), message.hashes().data());
  EXPECT_EQ(chain->hashes, absl::MakeConstSpan(hashes));
  EXPECT_EQ(chain->first_depth, 5);
  EXPECT_EQ(chain->parent, parent);
  EXPECT_EQ(chain->group, 2);
  EXPECT_EQ(ChainFromWire(message, 2).status().message(), "number of chain.hashes is 3, at most 2");
}

TEST(ChainWire, APartRangeMustLieWithinTheNamespace) {
  v1::PartRange message;
  EXPECT_EQ(PartRangeFromWire(message, kMaxParts)->count, kMaxParts);
  message.set_first(3);
  EXPECT_EQ(PartRangeFromWire(message, 4)->count, 1);
  EXPECT_FALSE(PartRangeFromWire(message, 3).ok());
  message.set_count(2);
  EXPECT_TRUE(PartRangeFromWire(message, 5).ok());
  EXPECT_EQ(PartRangeFromWire(message, 4).status().message(), "parts.count is 2, at most 1");
  message.set_count(~uint32_t{0});
  EXPECT_FALSE(PartRangeFromWire(message, 4).ok());
}

TEST(ChainWire, ANamespaceIdHasThirtyTwoBytes) {
  EXPECT_TRUE(NamespaceIdFromWire(std::string(32, 'n')).ok());
  EXPECT_FALSE(NamespaceIdFromWire(std::string(31, 'n')).ok());
  EXPECT_FALSE(NamespaceIdFromWire(std::string(33, 'n')).ok());
}

}  // namespace
}  // namespace halflife
