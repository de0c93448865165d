#include <gtest/gtest.h>

#include <atomic>
#include <random>

#include "tests/fakes/fake_ssd_tier.h"
#include "tests/server/rpc/fetch_caller.h"
#include "tests/server/rpc/rpc_fixture.h"

namespace halflife {
namespace {

// The server over the real store with a DRAM tier that is much too small and an SSD tier in memory.
class RealStore : public RpcFixture {
 protected:
  static constexpr uint64_t kDramBytes = 16 << 20;

  RealStore() {
    DramArena::Options arena_options;
    arena_options.budget_bytes = kDramBytes;
    arena_options.huge_pages = false;
    BlockStore::Tiers tiers;
    tiers.arena = *DramArena::Create(arena_options);
    tiers.ssd = std::make_unique<FakeSsdTier>(tiers.arena.get());
    real_ = *BlockStore::Open({}, TenantSecret{}, std::move(tiers));
    serving_ = real_.get();
  }
  ~RealStore() override { StopAndCheck(); }

  // No block is left behind by any call.
  void StopAndCheck() {
    if (real_ == nullptr) return;
    StopServer();
    ns_ = nullptr;
    real_->Quiesce();
    EXPECT_EQ(real_->CheckConservation(), "");
    EXPECT_EQ(real_->stats().put_buffer_bytes, 0);
    real_.reset();
  }

  std::unique_ptr<BlockStore> real_;
};

TEST_F(RealStore, WhatWasPutComesBackFromEitherTier) {
  StartServer();
  Open(Model(uint64_t{1} << 20));
  // Four times the DRAM tier.
  for (int seed = 0; seed < 16; ++seed) {
    const PutAnswer put = PutChain(Chain(seed, 4));
    ASSERT_TRUE(put.status.ok()) << put.status.error_message();
    real_->Quiesce();
  }

  int hits = 0;
  for (int seed = 0; seed < 16; ++seed) {
    const auto chain = Chain(seed, 4);
    for (const GotBlock& block : Get(GetOf(chain)).blocks) {
      if (block.status != v1::BLOCK_STATUS_UNSPECIFIED) continue;
      ++hits;
      EXPECT_EQ(block.bytes, BytesOf(chain[block.index]));
    }
  }

  EXPECT_GE(hits, 56) << "of 64";
  EXPECT_GT(real_->stats().demoted_blocks, 0);
}

TEST_F(RealStore, ManyCallersNeverSeeAWrongByte) {
  StartServer();
  Open();
  constexpr int kCallers = 4;
  constexpr int kRounds = 120;
  std::atomic<int> checked{0}, wrong{0}, failed{0};
  ThreadPool callers({.name = "caller", .threads = kCallers});
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_TRUE(callers.Submit([&, caller] {
      std::mt19937 random(caller);
      for (int round = 0; round < kRounds; ++round) {
        const auto chain = Chain(static_cast<int>(random() % 40), 12);
        if (random() % 3 == 0) {
          if (!PutChain(chain).status.ok()) ++failed;
          continue;
        }
        const GetAnswer got = Get(GetOf(chain, random() % 2 == 0 ? v1::ORDER_ASC : v1::ORDER_DESC));
        if (!got.status.ok()) ++failed;
        for (const GotBlock& block : got.blocks) {
          if (block.status != v1::BLOCK_STATUS_UNSPECIFIED) continue;
          ++checked;
          if (block.bytes != BytesOf(chain[block.index])) ++wrong;
        }
      }
    }));
  }
  callers.Drain();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(failed, 0);
  EXPECT_GT(checked, 500);
}

TEST_F(RealStore, ALeaseKeepsItsBlocksInReach) {
  StartServer();
  Open();
  const auto chain = Chain(1, 8);
  ASSERT_EQ(PutChain(chain).response.stored(), 8);
  v1::LookupRequest pin = LookupOf(chain);
  pin.set_pin(true);
  const auto [status, pinned] = Lookup(pin);
  ASSERT_EQ(pinned.pinned_blocks(), 8) << status.error_message();
  for (int seed = 2; seed < 60; ++seed) PutChain(Chain(seed, 8));

  v1::GetRequest request;
  request.set_lease_id(pinned.lease_id());
  const GetAnswer got = Get(request);

  ASSERT_EQ(got.blocks.size(), 8) << got.status.error_message();
  for (uint32_t i = 0; i < 8; ++i) EXPECT_EQ(got.blocks[i].bytes, BytesOf(chain[i]));
}

// Ends in every way that there is: by itself, by the floor, by a stop, by a cancellation.
TEST_F(RealStore, FetchesThatAreSteeredAtRandomSendNoWrongByteAndLeaveNothingBehind) {
  StartServer();
  Open();
  for (int seed = 0; seed < 40; ++seed) PutChain(Chain(seed, 12));
  constexpr int kCallers = 4;
  std::atomic<int> checked{0}, wrong{0}, below_floor{0};
  ThreadPool callers({.name = "caller", .threads = kCallers});
  for (int caller = 0; caller < kCallers; ++caller) {
    ASSERT_TRUE(callers.Submit([&, caller] {
      std::mt19937 random(caller);
      for (int round = 0; round < 60; ++round) {
        const auto chain = Chain(static_cast<int>(random() % 40), 12);
        FetchCaller fetch(*stub_);
        fetch.Start(GetOf(chain, v1::ORDER_DESC), 1 + random() % 4);
        uint32_t floor = 0, heard_after_floor = 0;
        while (const auto block = fetch.Next()) {
          if (!block->is_miss()) {
            ++checked;
            if (block->bytes != BytesOf(chain[block->index])) ++wrong;
          }
          // What was allowed before may have been on its way: at most the window.
          if (block->index < floor && ++heard_after_floor > 4) ++below_floor;
          const uint32_t what = random() % 16;
          if (what == 0) fetch.Stop();
          if (what == 1) fetch.Cancel();
          if (what == 2 && floor < 12) fetch.Floor(floor += 1 + random() % (12 - floor));
          fetch.Credit(1);
        }
      }
    }));
  }
  callers.Drain();

  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(below_floor, 0);
  EXPECT_GT(checked, 200);
  WaitUntil([&] { return server_->stats().open_streams() == 0; }, "the streams to end");
  EXPECT_EQ(server_->stats().inflight_get_bytes, 0);
}

}  // namespace
}  // namespace halflife
