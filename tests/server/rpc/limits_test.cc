#include <gtest/gtest.h>

#include "common/limits.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

// Every limit of a request at -1, 0 and +1.
class Limits : public RpcFixture {
 protected:
  void Start(const NamespaceDescriptor& descriptor = Model()) {
    StartServer();
    Open(descriptor);
  }
  grpc::Status OpenStatus(const NamespaceDescriptor& descriptor) {
    v1::OpenNamespaceRequest request;
    *request.mutable_namespace_descriptor() = DescriptorToWire(descriptor);
    v1::OpenNamespaceResponse response;
    grpc::ClientContext context;
    return stub_->OpenNamespace(&context, request, &response);
  }
  static void ExpectAtMost(int64_t value, int64_t limit, const grpc::Status& status) {
    const auto expected =
        value <= limit ? grpc::StatusCode::OK : grpc::StatusCode::INVALID_ARGUMENT;
    EXPECT_EQ(status.error_code(), expected)
        << value << " against " << limit << ": " << status.error_message();
    if (value > limit) {
      EXPECT_NE(status.error_message().find(std::to_string(limit)), std::string::npos)
          << status.error_message();
    }
  }
};

TEST_F(Limits, HashesInALookup) {
  Start();
  const auto chain = Chain(1, kMaxChainBlocks + 1);
  for (const int delta : {-1, 0, 1}) {
    const size_t blocks = kMaxChainBlocks + delta;
    ExpectAtMost(blocks, kMaxChainBlocks,
                 Lookup(LookupOf({chain.begin(), chain.begin() + blocks})).first);
  }
  EXPECT_EQ(Lookup(LookupOf({})).first.error_message(), "number of chain.hashes is 0, at least 1");
}

TEST_F(Limits, BlocksInAGetAndAPut) {
  Start();
  const auto chain = Chain(1, kMaxTransferBlocks + 1);
  for (const int delta : {-1, 0, 1}) {
    const size_t blocks = kMaxTransferBlocks + delta;
    const std::vector<BlockHash> part(chain.begin(), chain.begin() + blocks);
    ExpectAtMost(blocks, kMaxTransferBlocks, Get(GetOf(part)).status);
    ExpectAtMost(blocks, kMaxTransferBlocks, PutMessages({HeaderOf(part)}).status);
  }
}

TEST_F(Limits, PairsOfBlockAndPartInAGetAndAPut) {
  Start(Model(kBlockBytes, 3));
  for (const int blocks : {42, 43}) {  // times 3 parts: 126 and 129
    const auto chain = Chain(1, blocks);
    ExpectAtMost(3 * blocks, kMaxTransferBlocks, Get(GetOf(chain)).status);
    ExpectAtMost(3 * blocks, kMaxTransferBlocks, PutMessages({HeaderOf(chain)}).status);
  }
}

TEST_F(Limits, PartsOfTheNamespace) {
  Start(Model(kBlockBytes, 4));
  const auto chain = Chain(1, 1);
  for (const uint32_t first : {2u, 3u, 4u}) {
    v1::LookupRequest request = LookupOf(chain);
    request.mutable_parts()->set_first(first);
    ExpectAtMost(first, 3, Lookup(request).first);
  }
  for (const uint32_t count : {2u, 3u, 4u}) {
    v1::LookupRequest request = LookupOf(chain);
    request.mutable_parts()->set_first(1);
    request.mutable_parts()->set_count(count);
    ExpectAtMost(count, 3, Lookup(request).first);
  }
}

TEST_F(Limits, GroupsAndDepths) {
  Start();
  const auto chain = Chain(1, 2);
  for (const int delta : {-1, 0, 1}) {
    v1::LookupRequest request = LookupOf(chain);
    request.mutable_chain()->set_group(kMaxGroups - 1 + delta);
    ExpectAtMost(kMaxGroups - 1 + delta, kMaxGroups - 1, Lookup(request).first);
    request = LookupOf(chain);
    const uint32_t deepest = UINT32_MAX - 2;
    request.mutable_chain()->set_first_depth(deepest + delta);
    ExpectAtMost(int64_t{deepest} + delta, deepest, Lookup(request).first);
  }
}

TEST_F(Limits, LengthOfALease) {
  Start();
  const auto limit = static_cast<uint32_t>(absl::ToInt64Milliseconds(kMaxLease));
  for (const int delta : {-1, 0, 1}) {
    v1::LookupRequest request = LookupOf(Chain(1, 1));
    request.set_pin(true);
    request.set_lease_ms(limit + delta);
    ExpectAtMost(limit + delta, limit, Lookup(request).first);
    v1::RenewRequest renew;
    renew.set_lease_id(1234);
    renew.set_lease_ms(limit + delta);
    v1::RenewResponse renewed;
    grpc::ClientContext context;
    const auto expected =
        delta > 0 ? grpc::StatusCode::INVALID_ARGUMENT : grpc::StatusCode::ABORTED;
    EXPECT_EQ(stub_->Renew(&context, renew, &renewed).error_code(), expected);
  }
}

TEST_F(Limits, TokensInALookup) {
  Start();
  v1::LookupRequest request;
  request.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  // 1,048,576 tokens in blocks of 16 are more than 8,192 blocks: that limit holds first here.
  const uint32_t most = kMaxChainBlocks * 16;
  request.mutable_tokens()->mutable_ids()->Resize(most - 1, 7);
  EXPECT_TRUE(Lookup(request).first.ok());
  request.mutable_tokens()->mutable_ids()->Resize(most, 7);
  EXPECT_TRUE(Lookup(request).first.ok());
  request.mutable_tokens()->mutable_ids()->Resize(most + 16, 7);
  EXPECT_EQ(Lookup(request).first.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Limits, TokensInALookupOfLargeBlocks) {
  NamespaceDescriptor descriptor = Model();
  descriptor.tokens_per_block = 256;
  Start(descriptor);
  v1::LookupRequest request;
  request.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  for (const int delta : {-1, 0, 1}) {
    const uint32_t tokens = kMaxLookupTokens + delta;
    request.mutable_tokens()->mutable_ids()->Resize(tokens, 7);
    ExpectAtMost(tokens, kMaxLookupTokens, Lookup(request).first);
  }
}

TEST_F(Limits, AttributesAndLabels) {
  Start();
  for (const int delta : {-1, 0, 1}) {
    v1::LookupRequest request = LookupOf(Chain(1, 1));
    const size_t labels = kMaxAttributeLabels + delta;
    for (size_t i = 0; i < labels; ++i) {
      (*request.mutable_attributes()->mutable_labels())["label" + std::to_string(i)] = "value";
    }
    ExpectAtMost(labels, kMaxAttributeLabels, Lookup(request).first);
    request = LookupOf(Chain(1, 1));
    const size_t bytes = kMaxAttributeBytes + delta;
    request.mutable_attributes()->set_app(std::string(bytes, 'a'));
    ExpectAtMost(bytes, kMaxAttributeBytes, Lookup(request).first);
  }
}

TEST_F(Limits, Descriptors) {
  StartServer();
  for (const int delta : {-1, 0, 1}) {
    NamespaceDescriptor descriptor = Model();
    descriptor.model_name = std::string(kMaxDescriptorStringBytes + delta, 'm');
    EXPECT_EQ(OpenStatus(descriptor).ok(), delta <= 0);
    descriptor = Model();
    descriptor.parts = kMaxParts + delta;
    EXPECT_EQ(OpenStatus(descriptor).ok(), delta <= 0);
    descriptor = Model(kMaxBlockBytes + delta);
    EXPECT_EQ(OpenStatus(descriptor).ok(), delta <= 0);
    descriptor = Model(kMinBlockBytes + delta);
    EXPECT_EQ(OpenStatus(descriptor).ok(), delta >= 0);
  }
  NamespaceDescriptor nameless = Model();
  nameless.model_name.clear();
  EXPECT_EQ(OpenStatus(nameless).error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Limits, ShapesThatMakeNoSense) {
  Start();
  v1::LookupRequest lookup = LookupOf(Chain(1, 1));
  lookup.mutable_chain()->mutable_hashes()->push_back('x');
  EXPECT_EQ(Lookup(lookup).first.error_message(),
            "chain.hashes has 33 bytes, not a multiple of 32");
  lookup = LookupOf(Chain(1, 1));
  lookup.mutable_chain()->set_parent(std::string(32, 'p'));
  EXPECT_EQ(Lookup(lookup).first.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  lookup.mutable_chain()->set_first_depth(1);
  EXPECT_TRUE(Lookup(lookup).first.ok());
  lookup.mutable_chain()->set_parent(std::string(31, 'p'));
  EXPECT_EQ(Lookup(lookup).first.error_message(), "chain.parent has 31 bytes, expected 32");
  lookup.clear_chain();
  EXPECT_EQ(Lookup(lookup).first.error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  v1::GetRequest get = GetOf(Chain(1, 1));
  get.set_order(static_cast<v1::Order>(9));
  EXPECT_EQ(Get(get).status.error_message(), "order is 9, which is not known");
  get.clear_chain();
  EXPECT_EQ(Get(get).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);

  v1::DeleteRequest remove;
  remove.set_namespace_id(lookup.namespace_id());
  v1::DeleteResponse removed;
  grpc::ClientContext first, second;
  EXPECT_EQ(stub_->Delete(&first, remove, &removed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
  remove.set_whole_namespace(false);
  EXPECT_EQ(stub_->Delete(&second, remove, &removed).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(Limits, MetadataAboveEightKibibytesIsRefused) {
  Start();
  for (const size_t bytes : {7000, 10000}) {
    grpc::ClientContext context;
    context.AddMetadata("x-large", std::string(bytes, 'm'));
    v1::LookupResponse response;
    EXPECT_EQ(stub_->Lookup(&context, LookupOf(Chain(1, 1)), &response).ok(), bytes < 8192)
        << bytes;
  }
}

TEST_F(Limits, CompressedMessagesAreRefused) {
  Start();
  grpc::ClientContext context;
  context.set_compression_algorithm(GRPC_COMPRESS_GZIP);
  v1::LookupResponse response;

  EXPECT_FALSE(stub_->Lookup(&context, LookupOf(Chain(1, 100)), &response).ok());
}

}  // namespace
}  // namespace halflife
