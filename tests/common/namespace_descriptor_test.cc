#include "common/block/namespace_descriptor.h"

#include <gtest/gtest.h>

#include <set>

#include "common/limits.h"

namespace halflife {
namespace {

NamespaceDescriptor Small() {
  NamespaceDescriptor ns;
  ns.engine = "vllm";
  ns.engine_abi = "LBHNC";
  ns.model_name = "meta-llama/Llama-3.1-8B";
  ns.kv_dtype = "bf16";
  ns.tokens_per_block = 4;
  ns.block_bytes = 65536;
  ns.hash_scheme = HashScheme::kHalflife;
  return ns;
}

NamespaceDescriptor Full() {
  NamespaceDescriptor ns = Small();
  ns.model_revision = "main";
  ns.weights_fingerprint = "sha256:00";
  ns.lora = "fr@3";
  ns.tenant = "blue";
  ns.user_tag = "réplica";
  ns.parts = 8;
  ns.hash_seed.fill(7);
  return ns;
}

TEST(NamespaceDescriptor, HasThePublishedEncodingAndId) {
  EXPECT_EQ(
      Hex(AsBytes(Small().Encode())),
      "484c4e440001000100000004766c6c6d0002000000054c42484e430003000000176d6574612d6c6c616d612f4c6c"
      "616d612d332e312d384200060000000462663136000a0000000400000004000b0000000800000000000100"
      "00000c0000000400000001000d0000000101");
  EXPECT_EQ(Hex(Small().Id().bytes),
            "8ac4ec1c29545e53f02da9b1893e8add750d348536f96d10afac1ea5e0f52fdb");
}

TEST(NamespaceDescriptor, ComesBackFromItsEncoding) {
  for (const NamespaceDescriptor& ns : {Small(), Full()}) {
    const auto decoded = NamespaceDescriptor::Decode(ns.Encode());
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    EXPECT_EQ(*decoded, ns);
  }
}

TEST(NamespaceDescriptor, AnyDifferentFieldIsAnotherNamespace) {
  std::vector<NamespaceDescriptor> all(1, Full());
  const auto vary = [&](auto change) {
    NamespaceDescriptor ns = Full();
    change(ns);
    all.push_back(ns);
  };
  for (auto member :
       {&NamespaceDescriptor::engine, &NamespaceDescriptor::engine_abi,
        &NamespaceDescriptor::model_name, &NamespaceDescriptor::model_revision,
        &NamespaceDescriptor::weights_fingerprint, &NamespaceDescriptor::kv_dtype,
        &NamespaceDescriptor::lora, &NamespaceDescriptor::tenant, &NamespaceDescriptor::user_tag}) {
    vary([&](NamespaceDescriptor& ns) { ns.*member += "x"; });
  }
  vary([](NamespaceDescriptor& ns) { ns.tokens_per_block = 5; });
  vary([](NamespaceDescriptor& ns) { ns.block_bytes += 1; });
  vary([](NamespaceDescriptor& ns) { ns.parts = 4; });
  vary([](NamespaceDescriptor& ns) { ns.hash_scheme = HashScheme::kSglang; });
  vary([](NamespaceDescriptor& ns) { ns.hash_seed[31] = 0; });

  std::set<std::string> ids;
  for (const NamespaceDescriptor& ns : all) ids.insert(Hex(ns.Id().bytes));

  EXPECT_EQ(ids.size(), all.size());
}

TEST(NamespaceDescriptor, NeighbouringStringsDoNotRunTogether) {
  NamespaceDescriptor a = Small(), b = Small();
  a.lora = "ab", a.tenant = "c";
  b.lora = "a", b.tenant = "bc";

  EXPECT_NE(a.Id(), b.Id());
}

TEST(NamespaceDescriptor, RefusesWhatIsOutOfBoundsByName) {
  const auto message = [](auto change) {
    NamespaceDescriptor ns = Full();
    change(ns);
    return std::string(ns.Validate().message());
  };
  const auto ok = [](auto change) {
    NamespaceDescriptor ns = Full();
    change(ns);
    return ns.Validate().ok();
  };
  using Ns = NamespaceDescriptor;

  EXPECT_NE(message([](Ns& ns) { ns.model_name.clear(); }).find("model_name"), std::string::npos);
  EXPECT_TRUE(ok([](Ns& ns) { ns.tenant = std::string(kMaxDescriptorStringBytes, 'x'); }));
  EXPECT_NE(message([](Ns& ns) {
              ns.tenant = std::string(kMaxDescriptorStringBytes + 1, 'x');
            }).find("tenant"),
            std::string::npos);
  EXPECT_NE(message([](Ns& ns) { ns.lora = "\xC0\xAF"; }).find("lora is not UTF-8"),
            std::string::npos);
  EXPECT_NE(message([](Ns& ns) { ns.tokens_per_block = 0; }).find("tokens_per_block"),
            std::string::npos);
  EXPECT_FALSE(ok([](Ns& ns) { ns.block_bytes = kMinBlockBytes - 1; }));
  EXPECT_TRUE(ok([](Ns& ns) { ns.block_bytes = kMinBlockBytes; }));
  EXPECT_TRUE(ok([](Ns& ns) { ns.block_bytes = kMaxBlockBytes; }));
  EXPECT_FALSE(ok([](Ns& ns) { ns.block_bytes = kMaxBlockBytes + 1; }));
  EXPECT_FALSE(ok([](Ns& ns) { ns.parts = 0; }));
  EXPECT_TRUE(ok([](Ns& ns) { ns.parts = kMaxParts; }));
  EXPECT_FALSE(ok([](Ns& ns) { ns.parts = kMaxParts + 1; }));
  EXPECT_FALSE(ok([](Ns& ns) { ns.hash_scheme = static_cast<HashScheme>(4); }));
}

TEST(NamespaceDescriptor, ACutIsRefusedOrAnotherNamespace) {
  const std::string encoded = Full().Encode();
  int refused = 0;
  for (size_t length = 0; length < encoded.size(); ++length) {
    const auto decoded = NamespaceDescriptor::Decode(encoded.substr(0, length));
    // A cut in front of an optional last field is a whole descriptor, without that field.
    if (decoded.ok()) {
      EXPECT_EQ(decoded->Encode(), encoded.substr(0, length));
      EXPECT_NE(decoded->Id(), Full().Id());
    }
    refused += !decoded.ok();
  }
  EXPECT_GE(refused, static_cast<int>(encoded.size()) - 3);
}

TEST(NamespaceDescriptor, AnyOtherSpellingIsRefused) {
  const std::string encoded = Full().Encode();
  EXPECT_FALSE(NamespaceDescriptor::Decode(encoded + "x").ok());
  // A field twice, an unknown field, and the first field moved to the end.
  const std::string first_field = encoded.substr(6, 2 + 4 + 4);
  EXPECT_FALSE(NamespaceDescriptor::Decode(encoded + first_field).ok());
  EXPECT_FALSE(
      NamespaceDescriptor::Decode(encoded + std::string("\x00\x63\x00\x00\x00\x00", 6)).ok());
  EXPECT_FALSE(
      NamespaceDescriptor::Decode(encoded.substr(0, 6) + encoded.substr(16) + first_field).ok());
}

}  // namespace
}  // namespace halflife
