#include "client/include/halflife/client.h"
#include "tests/client/client_fixture.h"
#include "tests/server/rpc/wait_until.h"
#include "tests/server/shm/shm_node.h"

namespace halflife::client {
namespace {

constexpr std::chrono::seconds kPatience{20};

class ShmRoundTrip : public testing::Test {
 protected:
  void Start(const ShmNode::Options& node = {}, Options options = {}) {
    node_.emplace(directory_.socket(), node);
    const Options patient = Patient(directory_.endpoint());
    options.endpoint = patient.endpoint;
    options.lookup_budget = patient.lookup_budget;
    options.get_budget = patient.get_budget;
    options.put_budget = patient.put_budget;
    client_ = Client::Open(options);
    ASSERT_NE(client_, nullptr);
    if (node.share && options.shared_memory != SharedMemory::kOff) {
      ASSERT_TRUE(client_->AwaitSharedMemory(kPatience));
    }
    ns_ = Opened(SmallNamespace());
  }

  // Calls go through shared memory once the namespace is open.
  NamespaceHandle Opened(const Namespace& descriptor) {
    const NamespaceHandle ns = client_->OpenNamespace(descriptor);
    const auto nothing = Chain(4711, 1);
    EXPECT_EQ(client_->Lookup(LookupOf(ns, nothing)).outcome, Outcome::kOk);
    return ns;
  }

  void PutChain(const NamespaceHandle& ns, const std::vector<Hash>& chain) {
    Buffers from(chain, 1, ns.descriptor().block_bytes);
    from.FillWithPayload();
    const PutResult put = client_->Put(PutOf(ns, from));
    ASSERT_EQ(put.outcome, Outcome::kOk) << put.error;
    ASSERT_EQ(put.stored, chain.size());
  }

  ViewRequest ViewOf(const NamespaceHandle& ns, const std::vector<Hash>& chain) const {
    ViewRequest request;
    request.ns = ns;
    request.chain = chain;
    return request;
  }

  SocketDirectory directory_;
  std::optional<ShmNode> node_;
  std::unique_ptr<Client> client_;
  NamespaceHandle ns_;
};

TEST_F(ShmRoundTrip, WhatWasPutComesBackByteForByteWithoutCrossingTheSocket) {
  Start();
  const auto chain = Chain(1, 128);
  PutChain(ns_, chain);

  Buffers into(chain);
  const GetResult got = client_->Get(GetOf(ns_, into));

  EXPECT_EQ(got.outcome, Outcome::kOk);
  EXPECT_EQ(got.prefix_items, 128u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  const Stats stats = client_->stats();
  EXPECT_EQ(stats.shm_puts, 1u);
  EXPECT_EQ(stats.shm_gets, 1u);
  EXPECT_EQ(stats.shm_fallbacks, 0u);
  EXPECT_EQ(stats.put_bytes, 128 * kSmallBlock);
  EXPECT_EQ(stats.get_bytes, 128 * kSmallBlock);
  EXPECT_EQ(stats.corrupt_blocks + stats.identity_mismatches, 0u);
}

TEST_F(ShmRoundTrip, LargeBlocksAreScatteredOverSegments) {
  Start({.dram_bytes = 256 << 20});
  constexpr uint64_t kBytes = (uint64_t{3} << 20) + 4096 + 17;
  Namespace large = SmallNamespace();
  large.block_bytes = kBytes;
  const NamespaceHandle ns = Opened(large);
  const auto chain = Chain(2, 5);
  Buffers from(chain, 1, kBytes, 61);
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns, from)).stored, 5u);

  Buffers into(chain, 1, kBytes, 1024);
  const GetResult got = client_->Get(GetOf(ns, into));

  EXPECT_EQ(got.ok_items, 5u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_TRUE(into.GuardsAreIntact());
  EXPECT_EQ(client_->stats().shm_puts + client_->stats().shm_gets, 2u);
}

TEST_F(ShmRoundTrip, EachPartIsABlockOfItsOwnAndOrderMayBeDescending) {
  Start();
  Namespace sharded = SmallNamespace();
  sharded.parts = 3;
  const NamespaceHandle ns = Opened(sharded);
  const auto chain = Chain(3, 5);
  Buffers from(chain, 3);
  from.FillWithPayload();
  ASSERT_EQ(client_->Put(PutOf(ns, from)).stored, 15u);

  Buffers into(chain, 3);
  GetRequest request = GetOf(ns, into);
  request.order = Order::kDescending;
  const GetResult got = client_->Get(std::move(request));

  EXPECT_EQ(got.ok_items, 15u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->stats().shm_gets, 1u);
}

TEST_F(ShmRoundTrip, AscendingEndsAtTheFirstMissAndDescendingPassesOverIt) {
  Start();
  auto chain = Chain(4, 6);
  PutChain(ns_, chain);
  const auto others = Chain(5, 6);
  chain[2] = others[2];

  Buffers into(chain);
  const GetResult ascending = client_->Get(GetOf(ns_, into));
  EXPECT_EQ(ascending.prefix_items, 2u);
  EXPECT_EQ(ascending.ok_items, 2u);
  EXPECT_EQ(ascending.items[3].outcome, Outcome::kMiss);

  GetRequest request = GetOf(ns_, into);
  request.order = Order::kDescending;
  const GetResult descending = client_->Get(std::move(request));
  EXPECT_EQ(descending.ok_items, 5u);
  EXPECT_EQ(descending.items[2].outcome, Outcome::kMiss);
  EXPECT_EQ(client_->stats().shm_gets, 2u);
}

TEST_F(ShmRoundTrip, BlocksOnSsdArePromotedAndThenReadInPlace) {
  Start({.dram_bytes = 16 << 20, .with_ssd = true});
  Namespace large = SmallNamespace();
  large.block_bytes = 1 << 20;
  const NamespaceHandle ns = Opened(large);
  const auto first = Chain(6, 2);
  PutChain(ns, first);
  for (uint32_t other = 7; other < 15; ++other) PutChain(ns, Chain(other, 4));
  node_->store().Quiesce();
  const LookupResult where = client_->Lookup(LookupOf(ns, first));
  ASSERT_EQ(where.prefix_blocks, 2u);
  ASSERT_TRUE(where.runs[0].ssd);

  const ViewResult result = client_->GetView(ViewOf(ns, first));

  ASSERT_EQ(result.prefix_views, 2u);
  for (size_t i = 0; i < 2; ++i) {
    const BlockView& view = result.views[i];
    EXPECT_TRUE(view.in_place());
    EXPECT_EQ(std::vector<uint8_t>(view.data(), view.data() + view.size()),
              Payload(first[i], 0, 1 << 20));
    EXPECT_TRUE(view.intact());
  }
}

TEST_F(ShmRoundTrip, WhatALookupPinnedIsGotThroughSharedMemoryAndALeaseThatIsGoneIsAMiss) {
  Start();
  const auto chain = Chain(20, 8);
  PutChain(ns_, chain);
  LookupRequest lookup = LookupOf(ns_, chain);
  lookup.pin = true;
  const LookupResult pinned = client_->Lookup(lookup);
  ASSERT_EQ(pinned.lease.blocks(), 8u);
  ASSERT_EQ(client_->Delete(ns_, chain), 8);

  Buffers into(chain);
  GetRequest request = GetOf(ns_, into);
  request.lease = &pinned.lease;
  EXPECT_EQ(client_->Get(request).ok_items, 8u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
  EXPECT_EQ(client_->stats().shm_gets, 1u);

  node_->ExpireLeases();
  const GetResult gone = client_->Get(request);
  EXPECT_EQ(gone.ok_items, 0u);
  EXPECT_EQ(gone.items[0].outcome, Outcome::kMiss);
  EXPECT_EQ(node_->shm().stats().sessions, 1u) << "that is no reason for a new session";
}

TEST_F(ShmRoundTrip, ADuplicateIsNotStoredAgainAndItsBytesAreNotLookedAt) {
  Start();
  const auto chain = Chain(8, 4);
  PutChain(ns_, chain);

  Buffers other(chain);  // guard bytes everywhere: not the payload
  const PutResult again = client_->Put(PutOf(ns_, other));

  EXPECT_EQ(again.outcome, Outcome::kOk);
  EXPECT_EQ(again.duplicates, 4u);
  Buffers into(chain);
  client_->Get(GetOf(ns_, into));
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
}

TEST_F(ShmRoundTrip, ABlockLargerThanTheStagingMemoryGoesOverTheSocket) {
  Start({}, {.staging_bytes = 64 << 10});
  Namespace large = SmallNamespace();
  large.block_bytes = 1 << 20;
  const NamespaceHandle ns = Opened(large);
  const auto chain = Chain(9, 2);

  PutChain(ns, chain);

  EXPECT_EQ(client_->stats().shm_puts, 0u);
  Buffers into(chain, 1, 1 << 20);
  EXPECT_EQ(client_->Get(GetOf(ns, into)).ok_items, 2u);
  EXPECT_EQ(client_->stats().shm_gets, 1u);
}

TEST_F(ShmRoundTrip, WithoutAnOfferEverythingGoesOverTheSocket) {
  Start({.share = false});
  const auto chain = Chain(10, 4);
  PutChain(ns_, chain);

  const ViewResult result = client_->GetView(ViewOf(ns_, chain));

  ASSERT_EQ(result.prefix_views, 4u);
  EXPECT_FALSE(result.views[0].in_place());
  EXPECT_TRUE(result.views[0].intact());
  EXPECT_EQ(std::vector<uint8_t>(result.views[3].data(), result.views[3].data() + kSmallBlock),
            Payload(chain[3], 0));
  EXPECT_EQ(client_->stats().shm_gets + client_->stats().shm_puts, 0u);
}

TEST_F(ShmRoundTrip, SwitchedOffItIsNotUsedThoughItIsOffered) {
  Start({}, {.shared_memory = SharedMemory::kOff});
  const auto chain = Chain(11, 4);

  PutChain(ns_, chain);

  EXPECT_EQ(client_->stats().shm_puts, 0u);
  EXPECT_FALSE(client_->AwaitSharedMemory(std::chrono::milliseconds(1)));
  EXPECT_EQ(node_->shm().stats().sessions, 0u);
}

TEST_F(ShmRoundTrip, RequiredAndNotThereIsUnavailableAtOnce) {
  Start({.share = false}, {.shared_memory = SharedMemory::kRequired});
  const auto chain = Chain(12, 2);
  Buffers buffers(chain);
  buffers.FillWithPayload();

  const PutResult put = client_->Put(PutOf(ns_, buffers));
  const GetResult got = client_->Get(GetOf(ns_, buffers));

  EXPECT_EQ(put.outcome, Outcome::kUnavailable);
  EXPECT_EQ(put.items[1].outcome, Outcome::kUnavailable);
  EXPECT_EQ(got.outcome, Outcome::kUnavailable);
  EXPECT_EQ(client_->GetView(ViewOf(ns_, chain)).outcome, Outcome::kUnavailable);
}

TEST_F(ShmRoundTrip, LeasesGoBackWithTheNextCallOrSoonAfter) {
  Start();
  const auto chain = Chain(13, 8);
  PutChain(ns_, chain);
  Buffers into(chain);

  for (int i = 0; i < 50; ++i) ASSERT_EQ(client_->Get(GetOf(ns_, into)).ok_items, 8u);

  WaitUntil([&] { return node_->leases() == 0; }, "the last lease goes back by itself");
  EXPECT_EQ(node_->shm().stats().leases, 50u);
  EXPECT_EQ(client_->stats().shm_fallbacks, 0u);
}

TEST_F(ShmRoundTrip, AViewKeepsItsBlockWhateverIsDeleted) {
  Start();
  const auto chain = Chain(14, 2);
  PutChain(ns_, chain);
  ViewResult result = client_->GetView(ViewOf(ns_, chain));
  ASSERT_EQ(result.prefix_views, 2u);

  ASSERT_EQ(client_->Delete(ns_, chain), 2);
  node_->store().Quiesce();
  for (uint32_t other = 0; other < 20; ++other) PutChain(ns_, Chain(100 + other, 64));

  EXPECT_EQ(std::vector<uint8_t>(result.views[1].data(), result.views[1].data() + kSmallBlock),
            Payload(chain[1], 0));
  EXPECT_TRUE(result.views[1].intact());
  result.views.clear();
  WaitUntil([&] { return node_->leases() == 0; }, "the last view gives the lease back");
}

TEST_F(ShmRoundTrip, AViewPastItsLeaseFindsOutThatItsMemoryWasUsedAgain) {
  Start();
  const auto chain = Chain(15, 2);
  PutChain(ns_, chain);
  const ViewResult result = client_->GetView(ViewOf(ns_, chain));
  ASSERT_TRUE(result.views[0].intact());

  node_->ExpireLeases();
  EXPECT_TRUE(result.views[0].intact()) << "the block is still there";
  node_->DropAll();
  EXPECT_FALSE(result.views[0].intact()) << "nobody has written yet, but somebody may";
  const NamespaceHandle again = Opened(SmallNamespace());
  for (uint32_t other = 0; other < 8; ++other) PutChain(again, Chain(200 + other, 64));

  EXPECT_FALSE(result.views[0].intact());
  EXPECT_FALSE(result.views[1].intact());
}

TEST_F(ShmRoundTrip, ADaemonThatStopsTakesTheMemoryBackAndASuccessorOffersItsOwn) {
  Start();
  const auto chain = Chain(16, 2);
  PutChain(ns_, chain);
  const ViewResult before = client_->GetView(ViewOf(ns_, chain));
  ASSERT_TRUE(before.views[0].intact());

  node_->Stop();
  EXPECT_FALSE(before.views[0].intact());
  node_->Start();

  Buffers buffers(chain);
  buffers.FillWithPayload();
  WaitUntil([&] { return client_->Put(PutOf(ns_, buffers)).outcome == Outcome::kOk; }, "back");
  const uint64_t puts = client_->stats().shm_puts;
  WaitUntil(
      [&] {
        client_->Put(PutOf(ns_, buffers));
        return client_->stats().shm_puts > puts;
      },
      "through the memory of the new daemon");
  EXPECT_EQ(client_->GetView(ViewOf(ns_, chain)).prefix_views, 2u);
}

TEST_F(ShmRoundTrip, ASessionThatTheDaemonForgotIsMadeAnewAndTheCallGoesOverTheSocket) {
  Start();
  const auto chain = Chain(17, 2);
  PutChain(ns_, chain);
  const uint64_t fallbacks = client_->stats().shm_fallbacks;

  // The namespace is gone: the daemon refuses, the client opens it again and goes on.
  node_->DropAll();
  Buffers into(chain);
  const GetResult got = client_->Get(GetOf(ns_, into));

  EXPECT_EQ(got.outcome, Outcome::kOk);
  EXPECT_EQ(got.ok_items, 0u);
  EXPECT_EQ(client_->stats().shm_fallbacks, fallbacks + 1);
  PutChain(ns_, chain);
  EXPECT_EQ(client_->Get(GetOf(ns_, into)).ok_items, 2u);
}

TEST_F(ShmRoundTrip, TheDaemonsWordForAChecksumIsTakenOnlyOnRequest) {
  Start({}, {.trust_sealed = true});
  const auto chain = Chain(18, 16);
  PutChain(ns_, chain);

  Buffers into(chain);
  const GetResult got = client_->Get(GetOf(ns_, into));

  EXPECT_EQ(got.ok_items, 16u);
  for (size_t i = 0; i < into.size(); ++i) EXPECT_TRUE(into.HoldsPayload(i)) << i;
}

TEST_F(ShmRoundTrip, WrongArgumentsAreInvalidAsOverTheSocket) {
  Start();
  const auto long_chain = Chain(19, 129);
  const auto chain = Chain(19, 1);
  ViewRequest request = ViewOf(ns_, long_chain);
  EXPECT_EQ(client_->GetView(request).outcome, Outcome::kInvalid);
  request = ViewOf(ns_, chain);
  request.part_first = 1;
  EXPECT_EQ(client_->GetView(request).outcome, Outcome::kInvalid);
  EXPECT_EQ(client_->GetView(ViewRequest()).outcome, Outcome::kInvalid);
  const Buffers nothing({});
  EXPECT_EQ(client_->Get(GetOf(ns_, nothing)).outcome, Outcome::kInvalid);
  EXPECT_EQ(client_->Put(PutOf(ns_, nothing)).outcome, Outcome::kInvalid);
}

}  // namespace
}  // namespace halflife::client
