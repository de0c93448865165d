#include "common/limits.h"
#include "storage/lease_table.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

class LeaseTest : public StoreTest {
 protected:
  PinnedLookup Pin(const std::vector<BlockHash>& chain,
                   absl::Duration duration = absl::Seconds(10)) {
    return store_->Pin(Slice(chain), {}, kChat, duration);
  }
};

TEST_F(LeaseTest, APinReadsThePrefixIntoDramAndPromisesIt) {
  const auto chain = Chain("a", 8);
  PutChain(chain);
  Restart(/*drain=*/true);
  auto longer = chain;
  longer.push_back(Chain("b", 1)[0]);

  const PinnedLookup pinned = Pin(longer);

  EXPECT_EQ(pinned.lookup.prefix_blocks, 8u);
  EXPECT_EQ(pinned.pinned_blocks, 8u);
  EXPECT_EQ(pinned.lease_duration, absl::Seconds(10));
  ASSERT_NE(pinned.lease, 0u);
  const auto leased = store_->Leased(pinned.lease);
  ASSERT_TRUE(leased.ok());
  ASSERT_EQ(leased->blocks.size(), 8u);
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(leased->blocks[i].header().identity.hash, chain[i]);
    EXPECT_TRUE(InDram(chain[i]));
  }
  EXPECT_EQ(store_->stats().leases, 1u);
  EXPECT_EQ(store_->stats().leased_bytes, 8 * kTestBlockBytes);
}

TEST_F(LeaseTest, APinOfNothingHasNoLease) {
  const PinnedLookup pinned = Pin(Chain("nothing", 3));

  EXPECT_EQ(pinned.lease, 0u);
  EXPECT_EQ(pinned.pinned_blocks, 0u);
  EXPECT_EQ(store_->stats().leases, 0u);
}

TEST_F(LeaseTest, PinsOfSeveralPartsComeBlockByBlock) {
  const NamespaceRef ns = OpenNamespace("parallel", kTestBlockBytes, 2);
  const auto chain = Chain("a", 2);
  PutBlocks(chain, 0, 2, kChat, ns, {0, 2});

  const PinnedLookup pinned = store_->Pin(Slice(chain, ns), {0, 2}, kChat, absl::Seconds(1));

  EXPECT_EQ(pinned.pinned_blocks, 2u);
  const auto leased = store_->Leased(pinned.lease);
  ASSERT_TRUE(leased.ok());
  ASSERT_EQ(leased->blocks.size(), 4u);
  EXPECT_EQ(leased->blocks[1].header().identity.part, 1);
  EXPECT_EQ(leased->blocks[2].header().identity.hash, chain[1]);
  EXPECT_EQ(leased->ns, ns);
}

TEST_F(LeaseTest, PinnedBytesSurviveEvictionAndDelete) {
  Setup setup;
  setup.dram_blocks = 16;
  Open(setup);
  const auto chain = Chain("a", 3);
  PutChain(chain);
  const PinnedLookup pinned = Pin(chain, absl::Seconds(30));
  ASSERT_EQ(pinned.pinned_blocks, 3u);

  PutChain(Chain("others", 40));
  store_->Quiesce();
  EXPECT_TRUE(InDram(chain[2]));
  EXPECT_EQ(store_->DeleteChain(Slice(chain), {}), 3u);

  EXPECT_EQ(Prefix(chain), 0u);
  const auto leased = store_->Leased(pinned.lease);
  ASSERT_TRUE(leased.ok());
  for (const BlockRef& block : leased->blocks) {
    EXPECT_TRUE(AsText(block.payload()) == PayloadOf(block.header().identity, kTestBlockBytes));
  }
  EXPECT_EQ(store_->CheckConservation(), "");
}

TEST_F(LeaseTest, ALeaseExpiresAndItsBytesAreFree) {
  const auto chain = Chain("a", 3);
  PutChain(chain);
  const PinnedLookup pinned = Pin(chain, absl::Seconds(5));
  store_->DeleteChain(Slice(chain), {});

  clock_.Advance(absl::Seconds(5) - absl::Nanoseconds(1));
  store_->Quiesce();
  EXPECT_TRUE(store_->Leased(pinned.lease).ok());
  clock_.Advance(absl::Nanoseconds(1));

  EXPECT_TRUE(absl::IsAborted(store_->Leased(pinned.lease).status())) << "expired, not yet freed";
  EXPECT_TRUE(absl::IsNotFound(store_->Release(pinned.lease)));
  store_->Quiesce();
  EXPECT_EQ(store_->stats().leases_expired, 1u);
  EXPECT_EQ(arena_->stats().allocated_bytes, 0u);
}

TEST_F(LeaseTest, AReleasedLeaseIsGone) {
  const auto chain = Chain("a", 1);
  PutChain(chain);
  const PinnedLookup pinned = Pin(chain);

  EXPECT_TRUE(store_->Release(pinned.lease).ok());

  EXPECT_TRUE(absl::IsNotFound(store_->Release(pinned.lease)));
  EXPECT_TRUE(absl::IsNotFound(store_->Renew(pinned.lease, absl::Seconds(1)).status()));
  EXPECT_TRUE(absl::IsAborted(store_->Leased(pinned.lease).status()));
  EXPECT_EQ(store_->stats().leased_bytes, 0u);
}

TEST_F(LeaseTest, ARenewedLeaseLastsLonger) {
  const auto chain = Chain("a", 1);
  PutChain(chain);
  const PinnedLookup pinned = Pin(chain, absl::Seconds(5));
  clock_.Advance(absl::Seconds(4));

  EXPECT_EQ(*store_->Renew(pinned.lease, absl::Seconds(5)), absl::Seconds(5));

  clock_.Advance(absl::Seconds(4));
  EXPECT_TRUE(store_->Leased(pinned.lease).ok());
}

TEST_F(LeaseTest, DurationsAreCutToTheLimit) {
  const auto chain = Chain("a", 1);
  PutChain(chain);

  EXPECT_EQ(Pin(chain, absl::ZeroDuration()).lease_duration, kDefaultLease);
  EXPECT_EQ(Pin(chain, kMaxLease).lease_duration, kMaxLease);
  const PinnedLookup longest = Pin(chain, kMaxLease + absl::Nanoseconds(1));
  EXPECT_EQ(longest.lease_duration, kMaxLease);
  EXPECT_EQ(*store_->Renew(longest.lease, absl::Hours(1)), kMaxLease);
}

TEST_F(LeaseTest, PinnedBytesAreBoundedAndCutThePrefix) {
  Setup setup;
  setup.options.max_pinned_bytes = 5 * kTestBlockBytes;
  Open(setup);
  const auto chain = Chain("a", 8);
  PutChain(chain);

  const PinnedLookup first = Pin(chain);
  const PinnedLookup second = Pin(chain);

  EXPECT_EQ(first.pinned_blocks, 5u);
  EXPECT_EQ(first.lookup.prefix_blocks, 8u);
  EXPECT_EQ(second.pinned_blocks, 0u);
  EXPECT_EQ(second.lease, 0u);
  EXPECT_TRUE(store_->Release(first.lease).ok());
  EXPECT_EQ(Pin(chain).pinned_blocks, 5u);
}

TEST_F(LeaseTest, APinThatGetsNoLeaseIsStillALookUp) {
  Setup setup;
  setup.options.max_pinned_bytes = uint64_t{1} << 40;
  Open(setup);
  const auto chain = Chain("a", 1);
  PutChain(chain);
  for (uint32_t i = 0; i < kMaxLeases; ++i) ASSERT_NE(Pin(chain).lease, 0u);
  store_->Quiesce();
  ASSERT_EQ(store_->SampledRequests().lookup_blocks, kMaxLeases);

  const PinnedLookup pinned = Pin(chain);

  EXPECT_EQ(pinned.lease, 0u);
  EXPECT_EQ(pinned.lookup.prefix_blocks, 1u);
  store_->Quiesce();
  EXPECT_EQ(store_->SampledRequests().lookup_blocks, kMaxLeases + 1);
}

TEST_F(LeaseTest, APinEndsAtADamagedBlock) {
  const auto chain = Chain("a", 4);
  PutChain(chain);
  Restart(/*drain=*/true);
  for (int i = 0; i < 2; ++i) ExpectReadable(chain[i]);
  ssd_->DamageNextRead();

  const PinnedLookup pinned = Pin(chain);

  EXPECT_EQ(pinned.pinned_blocks, 2u);
  EXPECT_EQ(pinned.lookup.prefix_blocks, 2u);
  EXPECT_EQ(pinned.lookup.miss_reason, MissReason::kCorrupt);
}

TEST_F(LeaseTest, APinEndsAtABlockThatCannotBeReadNow) {
  const auto chain = Chain("a", 4);
  PutChain(chain);
  Restart(/*drain=*/true);
  ExpectReadable(chain[0]);
  ssd_->FailReadsWith(absl::UnavailableError("not now"));

  EXPECT_EQ(Pin(chain).pinned_blocks, 1u);
  EXPECT_EQ(Prefix(chain), 4u);
}

TEST_F(LeaseTest, APinIsATouch) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(3));

  Pin(chain);
  store_->Quiesce();

  EXPECT_EQ(store_->stats().categories[2].reuse_gap_ms.count, 2u);
}

TEST(LeaseTable, TheLastLeaseFitsAndTheNextDoesNot) {
  LeaseTable leases({.max_bytes = 1000, .max_leases = 2});

  const auto first = leases.Add({}, 10);
  const auto second = leases.Add({}, 20);

  EXPECT_TRUE(first.ok() && second.ok());
  EXPECT_NE(*first, *second);
  EXPECT_TRUE(absl::IsResourceExhausted(leases.Add({}, 10).status()));
  EXPECT_TRUE(leases.Release(*first, 5).ok());
  EXPECT_TRUE(leases.Add({}, 10).ok());
}

TEST(LeaseTable, ExpiryIsBounded) {
  LeaseTable leases({.max_bytes = 1000, .max_leases = 10});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(leases.Add({}, 10).ok());

  EXPECT_TRUE(leases.ExpireSome(10, 3));
  EXPECT_EQ(leases.stats().leases, 2u);
  EXPECT_FALSE(leases.ExpireSome(10, 3));
  EXPECT_EQ(leases.stats().expired, 5u);
}

}  // namespace
}  // namespace halflife
