#include <gtest/gtest.h>

#include "common/limits.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

using Rpc = RpcFixture;

std::string Statuses(const v1::PutResponse& response) {
  std::string digits;
  for (const char status : response.status()) digits += static_cast<char>('0' + status);
  return digits;
}

std::vector<BlockHash> Tail(const std::vector<BlockHash>& chain, size_t from) {
  return {chain.begin() + from, chain.end()};
}

TEST_F(Rpc, OpenNamespaceAnswersItsIdAndLimits) {
  StartServer();
  v1::OpenNamespaceRequest request;
  *request.mutable_namespace_descriptor() = DescriptorToWire(Model());
  v1::OpenNamespaceResponse response;
  grpc::ClientContext context;

  ASSERT_TRUE(stub_->OpenNamespace(&context, request, &response).ok());

  EXPECT_EQ(response.namespace_id(), AsText(Model().Id().bytes));
  EXPECT_EQ(response.block_bytes(), kBlockBytes);
  EXPECT_EQ(response.view_epoch(), 1);
  EXPECT_EQ(response.limits().max_chain_blocks(), kMaxChainBlocks);
  EXPECT_EQ(response.limits().max_transfer_blocks(), kMaxTransferBlocks);
}

TEST_F(Rpc, AChainThatWasPutIsFoundAndComesBackByteForByte) {
  StartServer();
  Open();
  const auto chain = Chain(1, 5);

  const PutAnswer put = PutChain(chain);
  ASSERT_TRUE(put.status.ok()) << put.status.error_message();
  EXPECT_EQ(put.response.stored(), 5);
  EXPECT_EQ(Statuses(put.response), "11111");
  const auto [status, found] = Lookup(LookupOf(chain));
  EXPECT_EQ(found.prefix_blocks(), 5);
  EXPECT_EQ(found.blocks(), 5);
  EXPECT_EQ(found.bitmap(), "\x1f");
  EXPECT_EQ(found.lease_id(), 0);

  const GetAnswer got = Get(GetOf(chain));
  ASSERT_TRUE(got.status.ok()) << got.status.error_message();
  ASSERT_EQ(got.blocks.size(), 5);
  for (uint32_t i = 0; i < 5; ++i) {
    EXPECT_EQ(got.blocks[i].index, i);
    EXPECT_EQ(got.blocks[i].bytes, BytesOf(chain[i])) << i;
    EXPECT_EQ(got.blocks[i].checksum,
              AsText(PayloadChecksum(AddressOf(chain[i]).identity, AsBytes(got.blocks[i].bytes))));
  }
}

TEST_F(Rpc, LargeBlocksCrossInFramesOfAMebibyte) {
  StartServer();
  Open(Model((uint64_t{5} << 19) + 4096));
  const auto chain = Chain(2, 3);
  ASSERT_EQ(PutChain(chain).response.stored(), 3);

  const GetAnswer got = Get(GetOf(chain));

  ASSERT_EQ(got.blocks.size(), 3);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(got.blocks[i].bytes, BytesOf(chain[i])) << i;
  EXPECT_EQ(got.frames, 9);
  EXPECT_EQ(got.largest_frame, kFrameBytes);
}

TEST_F(Rpc, DescendingOrderSendsTheLastBlockFirst) {
  StartServer();
  Open(Model(kBlockBytes, 2));
  const auto chain = Chain(3, 3);
  ASSERT_EQ(PutChain(chain).response.stored(), 6);

  const GetAnswer got = Get(GetOf(chain, v1::ORDER_DESC));

  ASSERT_EQ(got.blocks.size(), 6);
  for (uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(got.blocks[i].index, 2 - i / 2);
    EXPECT_EQ(got.blocks[i].part, i % 2);
    EXPECT_EQ(got.blocks[i].bytes, BytesOf(chain[2 - i / 2], i % 2));
  }
}

TEST_F(Rpc, OnePartOfEachBlockCanBePutAndGot) {
  StartServer();
  Open(Model(kBlockBytes, 4));
  const auto chain = Chain(4, 2);
  v1::PutRequest header = HeaderOf(chain);
  header.mutable_header()->mutable_parts()->set_first(2);
  header.mutable_header()->mutable_parts()->set_count(1);
  const PutAnswer put =
      PutMessages({header, FramesOf(0, chain[0], 2)[0], FramesOf(1, chain[1], 2)[0]});
  ASSERT_EQ(Statuses(put.response), "11") << put.status.error_message();

  v1::GetRequest request = GetOf(chain);
  request.mutable_parts()->set_first(2);
  request.mutable_parts()->set_count(1);
  const GetAnswer got = Get(request);
  ASSERT_EQ(got.blocks.size(), 2);
  EXPECT_EQ(got.blocks[1].part, 2);
  EXPECT_EQ(got.blocks[1].bytes, BytesOf(chain[1], 2));
  // With all parts the block is not resident.
  EXPECT_EQ(Lookup(LookupOf(chain)).second.prefix_blocks(), 0);
}

TEST_F(Rpc, AscendingOrderEndsAtTheFirstMiss) {
  StartServer();
  Open();
  const auto chain = Chain(5, 6);
  ASSERT_EQ(PutChain({chain[0], chain[1]}).response.stored(), 2);
  ASSERT_EQ(PutChain(Tail(chain, 4)).response.stored(), 2);

  const GetAnswer got = Get(GetOf(chain));

  ASSERT_TRUE(got.status.ok());
  ASSERT_EQ(got.blocks.size(), 3);
  EXPECT_EQ(got.blocks[1].bytes, BytesOf(chain[1]));
  EXPECT_EQ(got.blocks[2].index, 2);
  EXPECT_EQ(got.blocks[2].status, v1::BLOCK_STATUS_MISS);
  EXPECT_TRUE(got.blocks[2].bytes.empty());
}

TEST_F(Rpc, DescendingOrderReportsAMissAndGoesOn) {
  StartServer();
  Open();
  const auto chain = Chain(6, 4);
  ASSERT_EQ(PutChain({chain[0], chain[1]}).response.stored(), 2);
  ASSERT_EQ(PutChain({chain[3]}).response.stored(), 1);

  const GetAnswer got = Get(GetOf(chain, v1::ORDER_DESC));

  ASSERT_TRUE(got.status.ok());
  ASSERT_EQ(got.blocks.size(), 4);
  EXPECT_EQ(got.blocks[0].bytes, BytesOf(chain[3]));
  EXPECT_EQ(got.blocks[1].status, v1::BLOCK_STATUS_MISS);
  EXPECT_EQ(got.blocks[3].bytes, BytesOf(chain[0]));
}

TEST_F(Rpc, NothingAtAllIsAnOkayAnswerWithOneMiss) {
  StartServer();
  Open();

  const GetAnswer got = Get(GetOf(Chain(7, 3)));

  ASSERT_TRUE(got.status.ok());
  ASSERT_EQ(got.blocks.size(), 1);
  EXPECT_EQ(got.blocks[0].status, v1::BLOCK_STATUS_MISS);
}

TEST_F(Rpc, BlocksOnSsdAreReadOnTheIoExecutorAndCountedApart) {
  StartServer();
  Open();
  const auto chain = Chain(8, 40);
  ASSERT_EQ(PutChain(chain).response.stored(), 40);
  for (size_t i = 3; i < chain.size(); ++i) store_->MoveToSsd(AddressOf(chain[i]));

  const GetAnswer got = Get(GetOf(chain));

  ASSERT_EQ(got.blocks.size(), 40) << got.status.error_message();
  for (size_t i = 0; i < chain.size(); ++i) EXPECT_EQ(got.blocks[i].bytes, BytesOf(chain[i])) << i;
  ASSERT_EQ(store_->gets().size(), 1);
  EXPECT_EQ(store_->gets()[0].dram_blocks, 3);
  EXPECT_EQ(store_->gets()[0].ssd_blocks, 37);
  EXPECT_EQ(store_->gets()[0].bytes, 40 * kBlockBytes);
}

TEST_F(Rpc, AReadThatFailsIsReportedByItsReason) {
  StartServer();
  Open();
  const auto chain = Chain(9, 1);
  ASSERT_EQ(PutChain(chain).response.stored(), 1);
  store_->MoveToSsd(AddressOf(chain[0]));

  store_->FailReadsWith(absl::DataLossError("bits"));
  EXPECT_EQ(Get(GetOf(chain)).blocks.at(0).status, v1::BLOCK_STATUS_CORRUPT);
  store_->FailReadsWith(absl::UnavailableError("partition"));
  EXPECT_EQ(Get(GetOf(chain)).blocks.at(0).status, v1::BLOCK_STATUS_UNAVAILABLE);
  store_->FailReadsWith(absl::ResourceExhaustedError("arena"));
  EXPECT_EQ(Get(GetOf(chain)).blocks.at(0).status, v1::BLOCK_STATUS_UNAVAILABLE);
}

TEST_F(Rpc, AGetTouchesWhatItServed) {
  StartServer();
  Open();
  const auto chain = Chain(10, 5);
  ASSERT_EQ(PutChain({chain[0], chain[1], chain[2]}).response.stored(), 3);

  ASSERT_TRUE(Get(GetOf(chain)).status.ok());

  ASSERT_EQ(store_->touches().size(), 1);
  EXPECT_EQ(store_->touches()[0].blocks, 3);
  EXPECT_EQ(store_->touches()[0].app, "chat");
}

TEST_F(Rpc, ALeasedPrefixIsGotByItsLease) {
  StartServer();
  Open(Model(kBlockBytes, 2));
  const auto chain = Chain(11, 4);
  ASSERT_EQ(PutChain({chain[0], chain[1], chain[2]}).response.stored(), 6);
  v1::LookupRequest lookup = LookupOf(chain);
  lookup.set_pin(true);
  lookup.set_lease_ms(2000);
  const auto [status, pinned] = Lookup(lookup);
  ASSERT_NE(pinned.lease_id(), 0) << status.error_message();
  EXPECT_EQ(pinned.pinned_blocks(), 3);
  EXPECT_EQ(pinned.lease_ms(), 2000);

  v1::GetRequest request;
  request.set_lease_id(pinned.lease_id());
  request.set_first(1);
  const GetAnswer got = Get(request);
  ASSERT_EQ(got.blocks.size(), 4) << got.status.error_message();
  EXPECT_EQ(got.blocks[0].index, 1);
  EXPECT_EQ(got.blocks[0].bytes, BytesOf(chain[1], 0));
  EXPECT_EQ(got.blocks[3].bytes, BytesOf(chain[2], 1));

  request.set_first(0);
  request.set_count(1);
  request.mutable_parts()->set_first(1);
  const GetAnswer one = Get(request);
  ASSERT_EQ(one.blocks.size(), 1);
  EXPECT_EQ(one.blocks[0].bytes, BytesOf(chain[0], 1));
}

TEST_F(Rpc, ALeaseIsRenewedReleasedAndThenGone) {
  StartServer();
  Open();
  const auto chain = Chain(12, 1);
  ASSERT_EQ(PutChain(chain).response.stored(), 1);
  v1::LookupRequest lookup = LookupOf(chain);
  lookup.set_pin(true);
  const uint64_t lease = Lookup(lookup).second.lease_id();

  v1::RenewRequest renew;
  renew.set_lease_id(lease);
  v1::RenewResponse renewed;
  grpc::ClientContext first, second, third, fourth;
  ASSERT_TRUE(stub_->Renew(&first, renew, &renewed).ok());
  EXPECT_EQ(renewed.lease_ms(), absl::ToInt64Milliseconds(kDefaultLease));

  v1::ReleaseRequest release;
  release.set_lease_id(lease);
  v1::ReleaseResponse released;
  ASSERT_TRUE(stub_->Release(&second, release, &released).ok());
  EXPECT_TRUE(released.released());
  ASSERT_TRUE(stub_->Release(&third, release, &released).ok());
  EXPECT_FALSE(released.released());
  EXPECT_EQ(stub_->Renew(&fourth, renew, &renewed).error_code(), grpc::StatusCode::ABORTED);
  v1::GetRequest request;
  request.set_lease_id(lease);
  EXPECT_EQ(Get(request).status.error_code(), grpc::StatusCode::ABORTED);
}

TEST_F(Rpc, TokensAreHashedHere) {
  StartServer();
  Open();
  v1::LookupRequest request;
  request.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  for (uint32_t token = 0; token < 40; ++token) request.mutable_tokens()->add_ids(token);

  const auto [status, response] = Lookup(request);

  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.blocks(), 2);  // 40 tokens, 16 in a block
  EXPECT_EQ(response.miss_reason(), v1::MISS_REASON_NEVER_SEEN);
  request.mutable_tokens()->clear_ids();
  EXPECT_EQ(Lookup(request).second.blocks(), 0);
}

TEST_F(Rpc, APutOfResidentBlocksEndsBeforeItsPayloadIsSent) {
  StartServer();
  Open();
  const auto chain = Chain(13, 3);
  ASSERT_EQ(PutChain(chain).response.stored(), 3);

  const PutAnswer again = PutMessages({HeaderOf(chain)});

  ASSERT_TRUE(again.status.ok());
  EXPECT_EQ(again.response.duplicates(), 3);
  EXPECT_EQ(Statuses(again.response), "222");
  EXPECT_EQ(store_->counted_puts(PutOutcome::kDuplicate), 3);
}

TEST_F(Rpc, AResidentBlockAmongNewOnesIsReceivedAndDropped) {
  StartServer();
  Open();
  const auto chain = Chain(14, 3);
  ASSERT_EQ(PutChain({chain[0]}).response.stored(), 1);
  store_->MoveToSsd(AddressOf(chain[0]));

  const PutAnswer put = PutChain(chain);

  ASSERT_TRUE(put.status.ok()) << put.status.error_message();
  EXPECT_EQ(Statuses(put.response), "211");
  EXPECT_EQ(put.response.stored(), 2);
  EXPECT_EQ(put.response.duplicates(), 1);
  EXPECT_EQ(server_->stats().swallowed_put_bytes, kBlockBytes);
}

TEST_F(Rpc, WholeBlocksMayBeLeftOutOfAPut) {
  StartServer();
  Open();
  const auto chain = Chain(15, 3);

  const PutAnswer put = PutMessages({HeaderOf(chain), FramesOf(1, chain[1])[0]});

  ASSERT_TRUE(put.status.ok()) << put.status.error_message();
  EXPECT_EQ(Statuses(put.response), "010");
}

TEST_F(Rpc, TouchAndDeleteReachTheStore) {
  StartServer();
  Open();
  const auto chain = Chain(16, 4);
  ASSERT_EQ(PutChain(chain).response.stored(), 4);
  v1::TouchRequest touch;
  touch.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  *touch.mutable_chain() = GetOf(chain).chain();
  v1::TouchResponse touched;
  v1::DeleteRequest remove;
  remove.set_namespace_id(touch.namespace_id());
  *remove.mutable_chain() = GetOf(Tail(chain, 3)).chain();
  v1::DeleteResponse removed;
  grpc::ClientContext first, second, third;

  ASSERT_TRUE(stub_->Touch(&first, touch, &touched).ok());
  EXPECT_EQ(store_->touches().at(0).blocks, 4);

  ASSERT_TRUE(stub_->Delete(&second, remove, &removed).ok());
  EXPECT_EQ(removed.deleted(), 1);
  EXPECT_EQ(Lookup(LookupOf(chain)).second.prefix_blocks(), 3);

  remove.set_whole_namespace(true);
  ASSERT_TRUE(stub_->Delete(&third, remove, &removed).ok());
  EXPECT_EQ(removed.deleted(), 3);
  EXPECT_EQ(Lookup(LookupOf(chain)).first.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(Rpc, AHintOfNoKindIsRefused) {
  StartServer();
  Open();
  v1::HintRequest hint;
  hint.set_namespace_id(std::string(NamespaceIdToWire(ns_->id)));
  *hint.mutable_chain() = GetOf(Chain(17, 4)).chain();
  v1::HintResponse answer;
  for (const int kind : {0, 5, -1}) {
    grpc::ClientContext context;
    hint.set_kind(static_cast<v1::HintKind>(kind));
    const grpc::Status status = stub_->Hint(&context, hint, &answer);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_NE(status.error_message().find(std::to_string(kind)), std::string::npos);
  }
  grpc::ClientContext context;
  hint.set_kind(v1::HINT_KIND_RELEASE);
  ASSERT_TRUE(stub_->Hint(&context, hint, &answer).ok());
  EXPECT_EQ(answer.verdict(), v1::HINT_VERDICT_REJECTED);  // by the store of this test
  EXPECT_NE(answer.reason(), "");
}

TEST_F(Rpc, CallsAreCountedByMethodAndCode) {
  StartServer();
  Open();
  const auto chain = Chain(17, 1);
  ASSERT_EQ(PutChain(chain).response.stored(), 1);
  ASSERT_TRUE(Get(GetOf(chain)).status.ok());
  v1::LookupRequest bad = LookupOf(chain);
  bad.set_namespace_id("short");
  Lookup(bad);

  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "streams to end");
  EXPECT_EQ(Handled(RpcMethod::kOpenNamespace, grpc::StatusCode::OK), 1);
  EXPECT_EQ(Handled(RpcMethod::kPut, grpc::StatusCode::OK), 1);
  EXPECT_EQ(Handled(RpcMethod::kGet, grpc::StatusCode::OK), 1);
  EXPECT_EQ(Handled(RpcMethod::kLookup, grpc::StatusCode::INVALID_ARGUMENT), 1);
  const RpcStats stats = server_->stats();
  EXPECT_EQ(stats.methods[static_cast<int>(RpcMethod::kGet)].latency_ns.count, 1);
  EXPECT_EQ(stats.inflight_get_bytes, 0);
  EXPECT_EQ(stats.inflight_put_bytes, 0);
}

}  // namespace
}  // namespace halflife
