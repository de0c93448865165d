#include <gtest/gtest.h>

#include "common/limits.h"
#include "tests/server/rpc/fetch_fixture.h"

namespace halflife {
namespace {

using Indices = std::vector<uint32_t>;

class Fetch : public FetchFixture {
 protected:
  void MoveAllToSsd() {
    for (const BlockHash& hash : chain_) store_->MoveToSsd(AddressOf(hash));
  }
  void ExpectBytes(const std::optional<FetchCaller::Block>& block, uint32_t index) {
    ASSERT_TRUE(block.has_value()) << "no block " << index;
    EXPECT_EQ(block->index, index);
    EXPECT_TRUE(block->bytes == BytesOf(chain_[index], block->part)) << index;
  }
};

TEST_F(Fetch, TheTailComesFirstByteForByte) {
  Serve(6);
  FetchCaller caller(*stub_);

  ASSERT_TRUE(caller.Start(Descending(), kMaxTransferBlocks));

  for (uint32_t i = 6; i-- > 0;) ExpectBytes(caller.Next(), i);
  EXPECT_EQ(caller.Next(), std::nullopt);
  EXPECT_TRUE(caller.Finish().ok());
  ExpectNothingHeld();
  EXPECT_EQ(Handled(RpcMethod::kFetch, grpc::StatusCode::OK), 1);
}

TEST_F(Fetch, LargeBlocksAndTheirPartsCrossInFramesInEitherOrder) {
  Serve(2, (uint64_t{2} << 20) + 4096, 2);
  for (const v1::Order order : {v1::ORDER_ASC, v1::ORDER_DESC}) {
    FetchCaller caller(*stub_);
    ASSERT_TRUE(caller.Start(GetOf(chain_, order), 4));

    for (const uint32_t i : {0, 1}) {
      for (const uint32_t part : {0, 1}) {
        const auto block = caller.Next();
        ExpectBytes(block, order == v1::ORDER_ASC ? i : 1 - i);
        EXPECT_EQ(block->part, part);
        EXPECT_EQ(block->frames, 3);
      }
    }
    EXPECT_EQ(caller.Next(), std::nullopt);
    EXPECT_TRUE(caller.Finish().ok());
  }
}

TEST_F(Fetch, NoMoreComesThanWasAllowed) {
  Serve(8);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 2));
  ExpectBytes(caller.Next(), 7);
  ExpectBytes(caller.Next(), 6);

  ASSERT_TRUE(caller.Credit(3));

  ExpectBytes(caller.Next(), 5);
  ExpectBytes(caller.Next(), 4);
  ExpectBytes(caller.Next(), 3);
  // Had more been sent, it would come before the end.
  ASSERT_TRUE(caller.Stop());
  EXPECT_EQ(caller.Rest(), Indices());
  EXPECT_TRUE(caller.Finish().ok());
  ASSERT_EQ(store_->gets().size(), 1);
  EXPECT_EQ(store_->gets()[0].dram_blocks, 5);
}

TEST_F(Fetch, OfBlocksOnSsdNoMoreIsReadThanWasAllowed) {
  Serve(8);
  MoveAllToSsd();
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 3));
  for (const uint32_t i : {7, 6, 5}) ExpectBytes(caller.Next(), i);

  ASSERT_TRUE(caller.Credit(1));
  ExpectBytes(caller.Next(), 4);
  ASSERT_TRUE(caller.Stop());

  EXPECT_EQ(caller.Rest(), Indices());
  EXPECT_TRUE(caller.Finish().ok());
  EXPECT_EQ(store_->reads(), 4);
  EXPECT_EQ(store_->gets().at(0).ssd_blocks, 4);
}

TEST_F(Fetch, WhatLiesBelowTheFloorIsNeitherSentNorRead) {
  Serve(8);
  MoveAllToSsd();
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 2));
  ExpectBytes(caller.Next(), 7);
  ExpectBytes(caller.Next(), 6);

  ASSERT_TRUE(caller.Floor(5) && caller.Credit(100));

  EXPECT_EQ(caller.Rest(), Indices({5}));
  EXPECT_TRUE(caller.Finish().ok()) << "the two ends have met";
  EXPECT_EQ(store_->reads(), 3);
  ExpectNothingHeld();
}

TEST_F(Fetch, AscendingItGoesOnAtTheFloor) {
  Serve(8);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(GetOf(chain_), 2));
  ExpectBytes(caller.Next(), 0);
  ExpectBytes(caller.Next(), 1);

  ASSERT_TRUE(caller.Floor(3) && caller.Floor(6) && caller.Credit(100));

  EXPECT_EQ(caller.Rest(), Indices({6, 7}));
  EXPECT_TRUE(caller.Finish().ok());
}

TEST_F(Fetch, AFloorAtTheEndEndsIt) {
  Serve(4);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 1));
  ExpectBytes(caller.Next(), 3);

  ASSERT_TRUE(caller.Floor(4));

  EXPECT_EQ(caller.Rest(), Indices());
  EXPECT_TRUE(caller.Finish().ok());
}

TEST_F(Fetch, ABlockUnderWayEndsWhenTheFloorPassesIt) {
  Serve(2, uint64_t{32} << 20);
  for (const bool by_stop : {false, true}) {
    FetchCaller caller(*stub_);
    ASSERT_TRUE(caller.Start(Descending(), 2));
    // Block 1 is on its way by now, and nobody reads it.
    WaitUntil([&] { return server_->stats().frame_bytes > 0; }, "the first frame");

    ASSERT_TRUE(by_stop ? caller.Stop() : caller.Floor(2));

    EXPECT_EQ(caller.Next(), std::nullopt);
    EXPECT_TRUE(caller.Finish().ok());
    ExpectNothingHeld();
  }
  for (const auto& got : store_->gets()) EXPECT_LT(got.bytes, uint64_t{32} << 20);
}

TEST_F(Fetch, WhatIsAllowedStillComesAfterTheCallerHasClosedItsSide) {
  Serve(8);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 2) && caller.Credit(1));

  caller.Close();

  EXPECT_EQ(caller.Rest(), Indices({7, 6, 5}));
  EXPECT_TRUE(caller.Finish().ok());
}

TEST_F(Fetch, AHoleIsPassedOverDescendingAndTakesACredit) {
  Serve(6);
  chain_[3] = Chain(2, 1)[0];
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 4));
  ExpectBytes(caller.Next(), 5);
  ExpectBytes(caller.Next(), 4);

  const auto hole = caller.Next();

  ASSERT_TRUE(hole.has_value());
  EXPECT_EQ(hole->index, 3);
  EXPECT_EQ(hole->status, v1::BLOCK_STATUS_MISS);
  ExpectBytes(caller.Next(), 2);
  ASSERT_TRUE(caller.Stop());
  EXPECT_EQ(caller.Rest(), Indices());
}

TEST_F(Fetch, AscendingItEndsAtTheFirstMiss) {
  Serve(6);
  chain_[1] = Chain(2, 1)[0];
  FetchCaller caller(*stub_);

  ASSERT_TRUE(caller.Start(GetOf(chain_), 6));

  ExpectBytes(caller.Next(), 0);
  EXPECT_TRUE(caller.Next()->is_miss());
  EXPECT_EQ(caller.Rest(), Indices());
  EXPECT_TRUE(caller.Finish().ok());
}

TEST_F(Fetch, ADamagedBlockIsAMissInItsPlace) {
  Serve(4);
  store_->MoveToSsd(AddressOf(chain_[2]));
  store_->FailReadsWith(absl::DataLossError("damaged"));
  FetchCaller caller(*stub_);

  ASSERT_TRUE(caller.Start(Descending(), 4));

  ExpectBytes(caller.Next(), 3);
  const auto damaged = caller.Next();
  ASSERT_TRUE(damaged.has_value());
  EXPECT_EQ(damaged->index, 2);
  EXPECT_EQ(damaged->status, v1::BLOCK_STATUS_CORRUPT);
  ExpectBytes(caller.Next(), 1);
  ExpectBytes(caller.Next(), 0);
}

TEST_F(Fetch, OfALeaseIndicesAreThoseOfTheLeasedPrefix) {
  Serve(8);
  v1::LookupRequest pin = LookupOf(chain_);
  pin.set_pin(true);
  v1::GetRequest by_lease;
  by_lease.set_lease_id(Lookup(pin).second.lease_id());
  by_lease.set_first(2);
  by_lease.set_count(5);
  by_lease.set_order(v1::ORDER_DESC);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(by_lease, 1));
  ExpectBytes(caller.Next(), 6);

  ASSERT_TRUE(caller.Floor(4) && caller.Credit(5));

  ExpectBytes(caller.Next(), 5);
  ExpectBytes(caller.Next(), 4);
  EXPECT_EQ(caller.Rest(), Indices());
  EXPECT_TRUE(caller.Finish().ok());
}

TEST_F(Fetch, OneThatIsServedTouchesItsChain) {
  Serve(4);
  FetchCaller caller(*stub_);
  ASSERT_TRUE(caller.Start(Descending(), 1));
  ExpectBytes(caller.Next(), 3);
  ASSERT_TRUE(caller.Stop());
  caller.Rest();

  ASSERT_TRUE(caller.Finish().ok());

  ASSERT_EQ(store_->touches().size(), 1);
  EXPECT_EQ(store_->touches()[0].blocks, 4);
  EXPECT_EQ(store_->touches()[0].app, "chat");
}

}  // namespace
}  // namespace halflife
