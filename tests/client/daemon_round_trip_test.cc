#include "client/include/halflife/client.h"
#include "common/clock.h"
#include "common/limits.h"
#include "tests/client/client_fixture.h"
#include "tests/client/local_daemon.h"

namespace halflife::client {
namespace {

class DaemonRoundTripTest : public testing::Test {
 protected:
  void PutChain(const NamespaceHandle& ns, const std::vector<Hash>& chain) {
    Buffers buffers(chain);
    buffers.FillWithPayload();
    const PutResult put = client_->Put(PutOf(ns, buffers));
    ASSERT_EQ(put.outcome, Outcome::kOk) << put.error;
    ASSERT_EQ(put.stored, chain.size());
  }
  uint32_t Prefix(const NamespaceHandle& ns, const std::vector<Hash>& chain) {
    const LookupResult result = client_->Lookup(LookupOf(ns, chain));
    EXPECT_EQ(result.outcome, Outcome::kOk);
    return result.prefix_blocks;
  }

  SocketDirectory directory_;
  LocalDaemon daemon_{directory_.socket()};
  std::unique_ptr<Client> client_ = OpenConnected(directory_.endpoint());
  NamespaceHandle ns_ = client_->OpenNamespace(SmallNamespace());
};

TEST_F(DaemonRoundTripTest, WhatWasPutComesBackByteForByte) {
  const auto chain = Chain(1, 16);
  PutChain(ns_, chain);
  EXPECT_EQ(Prefix(ns_, chain), 16u);

  Buffers into(chain);
  const GetResult got = client_->Get(GetOf(ns_, into));

  EXPECT_EQ(got.outcome, Outcome::kOk);
  EXPECT_EQ(got.prefix_items, 16u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->stats().get_bytes, 16 * kSmallBlock);
  EXPECT_EQ(client_->stats().put_bytes, 16 * kSmallBlock);
  EXPECT_EQ(client_->stats().identity_mismatches + client_->stats().corrupt_blocks, 0u);
}

TEST_F(DaemonRoundTripTest, BlocksAreScatteredOverSegmentsAndAFrame) {
  // Larger than a frame, and not a multiple of anything.
  constexpr uint64_t kBytes = 3 * kFrameBytes + 4096 + 17;
  Namespace large = SmallNamespace();
  large.block_bytes = kBytes;
  const NamespaceHandle ns = client_->OpenNamespace(large);
  const auto chain = Chain(2, 3);
  Buffers from(chain, 1, kBytes, 61);
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns, from)).stored, 3u);

  Buffers into(chain, 1, kBytes, 1024);
  const GetResult got = client_->Get(GetOf(ns, into));

  EXPECT_EQ(got.ok_items, 3u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_TRUE(into.GuardsAreIntact());
}

TEST_F(DaemonRoundTripTest, EachPartIsABlockOfItsOwn) {
  Namespace sharded = SmallNamespace();
  sharded.parts = 4;
  const NamespaceHandle ns = client_->OpenNamespace(sharded);
  const auto chain = Chain(3, 5);
  Buffers from(chain, 4);
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns, from)).stored, 20u);

  // One rank takes its share only.
  Buffers all(chain, 4);
  GetRequest rank = GetOf(ns, all);
  std::vector<GetItem> share;
  for (size_t i = 0; i < rank.items.size(); ++i) {
    if (rank.items[i].part == 2) share.push_back(rank.items[i]);
  }
  rank.items = share;
  const GetResult got = client_->Get(rank);

  EXPECT_EQ(got.ok_items, 5u) << got.error;
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all.HoldsPayload(i), all.part(i) == 2) << i;
  EXPECT_EQ(client_->Get(GetOf(ns, all)).ok_items, 20u);
  for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(all.HoldsPayload(i)) << i;
}

TEST_F(DaemonRoundTripTest, ABlockIsThereWhenAllItsPartsAre) {
  Namespace sharded = SmallNamespace();
  sharded.parts = 2;
  const NamespaceHandle ns = client_->OpenNamespace(sharded);
  const auto chain = Chain(4, 3);
  Buffers from(chain);  // part 0 only
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns, from)).stored, 3u);

  EXPECT_EQ(Prefix(ns, chain), 0u);
  LookupRequest one_part = LookupOf(ns, chain);
  one_part.part_count = 1;
  EXPECT_EQ(client_->Lookup(one_part).prefix_blocks, 3u);
}

TEST_F(DaemonRoundTripTest, AscendingOrderEndsAtTheFirstMissDescendingPassesOverIt) {
  const auto chain = Chain(5, 6);
  PutChain(ns_, chain);
  ASSERT_EQ(client_->Delete(ns_, View<Hash>(chain.data() + 2, 1)), 1);
  Buffers into(chain);

  const GetResult ascending = client_->Get(GetOf(ns_, into));
  GetRequest request = GetOf(ns_, into);
  request.order = Order::kDescending;
  const GetResult descending = client_->Get(request);

  EXPECT_EQ(ascending.outcome, Outcome::kOk);
  EXPECT_EQ(ascending.ok_items, 2u);
  EXPECT_EQ(ascending.prefix_items, 2u);
  EXPECT_EQ(descending.ok_items, 5u);
  EXPECT_EQ(descending.prefix_items, 2u);
  EXPECT_EQ(descending.items[2].outcome, Outcome::kMiss);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_EQ(into.HoldsPayload(i), i != 2) << i;
}

TEST_F(DaemonRoundTripTest, TheFirstWriterWins) {
  const auto chain = Chain(6, 2);
  PutChain(ns_, chain);
  Buffers other(Chain(6, 2));  // zeros and guards, not the payload

  const PutResult again = client_->Put(PutOf(ns_, other));

  EXPECT_EQ(again.outcome, Outcome::kOk);
  EXPECT_EQ(again.stored, 0u);
  EXPECT_EQ(again.duplicates, 2u);
  Buffers into(chain);
  EXPECT_EQ(client_->Get(GetOf(ns_, into)).ok_items, 2u);
  EXPECT_TRUE(into.HoldsPayload(0) && into.HoldsPayload(1));
}

TEST_F(DaemonRoundTripTest, TokensMeanTheSameToClientAndDaemon) {
  const std::vector<uint32_t> tokens = {1, 2, 3, 4, 500000,
                                        6, 7, 8, 9, 10};  // two blocks and a rest
  const std::vector<Hash> chain = ns_.HashTokens(tokens);
  ASSERT_EQ(chain.size(), 2u);
  PutChain(ns_, chain);
  LookupRequest request;
  request.ns = ns_;
  request.tokens = tokens;

  const LookupResult result = client_->Lookup(request);

  EXPECT_EQ(result.outcome, Outcome::kOk) << result.error;
  EXPECT_EQ(result.blocks, 2u);
  EXPECT_EQ(result.prefix_blocks, 2u);
}

TEST_F(DaemonRoundTripTest, ALeaseKeepsItsBlocksUntilItIsGone) {
  const auto chain = Chain(7, 4);
  PutChain(ns_, chain);
  const auto longer = Chain(7, 6);
  LookupRequest request = LookupOf(ns_, longer);
  request.pin = true;
  LookupResult pinned = client_->Lookup(request);
  ASSERT_EQ(pinned.lease.blocks(), 4u);
  EXPECT_EQ(daemon_.store().stats().leases, 1u);
  // Removed from the index, yet promised.
  EXPECT_EQ(client_->Delete(ns_, chain), 4);

  Buffers into(chain);
  GetRequest get = GetOf(ns_, into);
  get.lease = &pinned.lease;
  EXPECT_EQ(client_->Get(get).ok_items, 4u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->Renew(pinned.lease, std::chrono::seconds(5)), Outcome::kOk);
  EXPECT_EQ(client_->Renew(pinned.lease, std::chrono::hours(5)), Outcome::kInvalid);
  pinned.lease = Lease();
  client_->Drain();

  EXPECT_EQ(daemon_.store().stats().leases, 0u);
  EXPECT_EQ(client_->Get(GetOf(ns_, into)).ok_items, 0u);
}

TEST_F(DaemonRoundTripTest, DeletionAndTouchReachTheDaemon) {
  const auto chain = Chain(8, 4);
  PutChain(ns_, chain);
  EXPECT_EQ(client_->Touch(ns_, chain), Outcome::kOk);

  EXPECT_EQ(client_->Delete(ns_, View<Hash>(chain.data() + 3, 1)), 1);
  EXPECT_EQ(Prefix(ns_, chain), 3u);
  EXPECT_EQ(client_->DeleteNamespace(ns_), 3);

  // It is opened again by the next call.
  EXPECT_EQ(Prefix(ns_, chain), 0u);
  PutChain(ns_, chain);
}

TEST_F(DaemonRoundTripTest, HintsReachTheDaemon) {
  const auto chain = Chain(9, 4);
  EXPECT_EQ(client_->Hint({.ns = ns_, .kind = HintKind::kRetain, .chain = chain}).outcome,
            Outcome::kRefused);  // not here
  PutChain(ns_, chain);
  const HintResult retained = client_->Hint(
      {.ns = ns_, .kind = HintKind::kRetain, .chain = chain, .duration = std::chrono::seconds(5)});
  EXPECT_EQ(retained.outcome, Outcome::kOk);
  EXPECT_EQ(retained.blocks, 4u);
  EXPECT_EQ(retained.duration, std::chrono::seconds(5));
  for (const HintKind kind : {HintKind::kPrefetch, HintKind::kDemote, HintKind::kRelease}) {
    const HintResult result = client_->Hint({.ns = ns_, .kind = kind, .chain = chain});
    EXPECT_EQ(result.outcome, Outcome::kOk) << result.reason;
    EXPECT_EQ(result.blocks, 4u);
  }
  const auto hints = daemon_.store().stats().hints;
  EXPECT_EQ(hints[0][0] + hints[1][0] + hints[2][0] + hints[3][0], 4u);
}

TEST_F(DaemonRoundTripTest, AHintThatMakesNoSenseIsNotSent) {
  const auto chain = Chain(9, 4);
  HintRequest request{.ns = ns_, .kind = HintKind::kRetain, .chain = chain};
  request.duration = std::chrono::milliseconds(0);
  EXPECT_EQ(client_->Hint(request).outcome, Outcome::kInvalid);
  request.duration = std::chrono::hours(1) + std::chrono::milliseconds(1);
  EXPECT_EQ(client_->Hint(request).outcome, Outcome::kInvalid);
  request.duration = std::chrono::hours(1);
  request.chain = {};
  EXPECT_EQ(client_->Hint(request).outcome, Outcome::kInvalid);
  request.ns = {};
  EXPECT_EQ(client_->Hint(request).outcome, Outcome::kInvalid);
}

TEST_F(DaemonRoundTripTest, AsyncCallsOfManyChainsAllComeBackRight) {
  constexpr int kChains = 40;
  std::vector<std::unique_ptr<Buffers>> from, into;
  std::atomic<int> good{0};
  for (int i = 0; i < kChains; ++i) {
    from.push_back(std::make_unique<Buffers>(Chain(100 + i, 8), 1, kSmallBlock, 3));
    from.back()->FillWithPayload();
    client_->PutAsync(PutOf(ns_, *from.back()),
                      [&](PutResult result) { good += result.stored == 8; });
  }
  client_->Drain();
  EXPECT_EQ(good, kChains);
  for (int i = 0; i < kChains; ++i) {
    into.push_back(std::make_unique<Buffers>(Chain(100 + i, 8), 1, kSmallBlock, 5));
    Buffers* const buffers = into.back().get();
    client_->GetAsync(GetOf(ns_, *buffers), [&good, buffers](GetResult result) {
      bool right = result.prefix_items == 8;
      for (size_t k = 0; k < buffers->size(); ++k) right = right && buffers->HoldsPayload(k);
      good += right;
    });
  }
  client_->Drain();

  EXPECT_EQ(good, 2 * kChains);
}

TEST_F(DaemonRoundTripTest, SeveralConnectionsAreUsedInTurn) {
  Options options = Patient(directory_.endpoint());
  options.connections = 3;
  const auto client = Client::Open(options);
  const NamespaceHandle ns = client->OpenNamespace(SmallNamespace());
  PutChain(ns_, Chain(9, 4));

  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(client->Lookup(LookupOf(ns, Chain(9, 4))).prefix_blocks, 4u);

  EXPECT_EQ(client->stats().reconnects, 0u);
}

TEST_F(DaemonRoundTripTest, ARestartedDaemonIsUsedAgainWithinASecond) {
  const auto chain = Chain(10, 4);
  PutChain(ns_, chain);
  ASSERT_TRUE(client_->Healthy(std::chrono::seconds(10)));
  daemon_.Stop();
  // Long enough that back-off and breaker are both at work.
  for (int i = 0; i < 20; ++i) {
    EXPECT_NE(client_->Lookup(LookupOf(ns_, chain)).outcome, Outcome::kOk);
    EXPECT_FALSE(client_->Healthy(std::chrono::milliseconds(50)));
  }
  EXPECT_GT(client_->stats().breaker_rejections, 0u);

  daemon_.Start();
  const absl::Duration start = Clock::Real().Now();
  // A wait for an event, the connection: at most one back-off of 0.5 s plus its jitter.
  ASSERT_TRUE(client_->Healthy(std::chrono::seconds(20)));
  const absl::Duration took = Clock::Real().Now() - start;

  EXPECT_LT(took, absl::Seconds(3)) << "gRPC's own settings take 10 s and more";
  RecordProperty("reconnect_ms", std::to_string(absl::ToInt64Milliseconds(took)));
  // The namespace is opened again, and the open breaker does not delay the first call.
  PutChain(ns_, chain);
  EXPECT_EQ(Prefix(ns_, chain), 4u);
  EXPECT_EQ(client_->stats().reconnects, 1u);
}

TEST_F(DaemonRoundTripTest, ADrainingDaemonIsUnavailableAndNotReady) {
  const auto chain = Chain(11, 2);
  PutChain(ns_, chain);

  daemon_.server().BeginDrain();

  EXPECT_EQ(client_->Lookup(LookupOf(ns_, chain)).outcome, Outcome::kUnavailable);
  EXPECT_FALSE(client_->Healthy(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace halflife::client
