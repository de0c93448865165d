#include <algorithm>

#include "gmock/gmock.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using ::testing::Each;

class EvictionTest : public StoreTest {
 protected:
  // Residency without holes: once a block is missing, everything behind it is.
  void ExpectNoHoles(const std::vector<BlockHash>& chain) {
    const LookupResult found = Lookup(chain);
    uint32_t resident = 0;
    for (const LookupResult::Run& run : found.runs) resident += run.count;
    EXPECT_EQ(resident, found.prefix_blocks);
  }
  uint32_t InDramCount(const std::vector<BlockHash>& chain) {
    return static_cast<uint32_t>(
        std::count_if(chain.begin(), chain.end(), [this](const auto& h) { return InDram(h); }));
  }
};

TEST_F(EvictionTest, WhatLeavesDramIsDemotedAndStillReadable) {
  Setup setup;
  setup.dram_blocks = 16;
  Open(setup);
  const auto chain = Chain("a", 40);

  EXPECT_THAT(PutChain(chain), Each(PutOutcome::kStored));
  store_->Quiesce();

  EXPECT_EQ(Prefix(chain), 40u);
  EXPECT_LT(InDramCount(chain), 17u);
  EXPECT_GE(store_->stats().demoted_blocks, 24u);
  for (const BlockHash& hash : chain) {
    ExpectReadable(hash);
    store_->Quiesce();
  }
}

TEST_F(EvictionTest, BackgroundKeepsRoomAheadOfThePuts) {
  Setup setup;
  setup.dram_blocks = 100;
  setup.options.free_target_ratio = 0.1;
  Open(setup);

  PutChain(Chain("a", 100));
  store_->Quiesce();

  EXPECT_GE(arena_->FreeBytesFor(kTestBlockBytes), 10 * kTestBlockBytes);
  EXPECT_GE(store_->stats().resident_blocks[0], 89u);
}

TEST_F(EvictionTest, RoomThatSlowPutsDoNotNeedHoldsBlocks) {
  Setup setup;
  setup.dram_blocks = 100;
  setup.options.free_target_ratio = 0.1;
  Open(setup);
  PutChain(Chain("at once", 100));
  store_->Quiesce();
  ASSERT_LE(store_->stats().resident_blocks[0], 90u);

  for (int i = 0; i < 20; ++i) {
    clock_.Advance(absl::Seconds(5));
    EXPECT_THAT(PutChain(Chain(absl::StrCat("slow", i), 1)), Each(PutOutcome::kStored));
    store_->Quiesce();
    EXPECT_GE(arena_->FreeBytesFor(kTestBlockBytes), kTestBlockBytes);
  }

  EXPECT_GE(store_->stats().resident_blocks[0], 98u);
}

// Room for it would be taken from the size in use, slab by slab, whose blocks then move.
TEST_F(EvictionTest, ForASizeThatNobodyUsesNoRoomIsKept) {
  constexpr int kBurst = 5;
  Setup setup;
  setup.dram_blocks = 1024;  // 16 in a slab
  setup.with_ssd = false;
  setup.options.free_target_ratio = 0.01;  // such a burst
  Open(setup);
  PutChain(Chain("small", 1024));
  store_->Quiesce();
  const NamespaceRef large = OpenNamespace("large", 2 * kTestBlockBytes);
  clock_.Advance(absl::Seconds(10));
  const auto place_of = [&](int i) -> const uint8_t* {
    const auto block = store_->FindInDram(Address(Chain(absl::StrCat(i), 1)[0], 0, large));
    return block ? block.payload().data() : nullptr;
  };

  std::vector<const uint8_t*> places;
  for (int burst = 0; burst < 200; ++burst) {
    for (int k = 0; k < kBurst; ++k) {
      const std::string name = absl::StrCat(places.size());
      EXPECT_THAT(PutChain(Chain(name, 1), kChat, large), Each(PutOutcome::kStored));
      places.push_back(place_of(static_cast<int>(places.size())));
    }
    store_->Quiesce();
    for (int i = std::max(0, (burst - 50) * kBurst); i < burst * kBurst; ++i) {
      const uint8_t* const place = place_of(i);
      if (place != nullptr) ASSERT_EQ(place, places[i]) << i << " moved in burst " << burst;
    }
  }
  EXPECT_GE(store_->stats().resident_blocks[0], 500u);
}

TEST_F(EvictionTest, AChainLosesItsTailBeforeItsHead) {
  Setup setup;
  setup.dram_blocks = 16;
  setup.with_ssd = false;
  Open(setup);
  const auto chain = Chain("a", 14);
  PutChain(chain);

  for (int round = 0; round < 20; ++round) {
    PutChain(Chain(absl::StrCat("other", round), 1));
    store_->Quiesce();
    ExpectNoHoles(chain);
  }

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kEvicted);
}

TEST_F(EvictionTest, WhatWasTouchedStaysAndWhatWasNotGoes) {
  Setup setup;
  setup.dram_blocks = 16;
  setup.with_ssd = false;
  Open(setup);
  const auto hot = Chain("hot", 4);
  const auto cold = Chain("cold", 4);
  PutChain(hot);
  PutChain(cold);

  for (int round = 0; round < 40; ++round) {
    PutChain(Chain(absl::StrCat("other", round), 1), kAgent);
    clock_.Advance(absl::Seconds(1));
    Touch(hot);
    store_->Quiesce();
  }

  EXPECT_EQ(Prefix(hot), 4u);
  EXPECT_EQ(Prefix(cold), 0u);
}

TEST_F(EvictionTest, ADemotedBlockIsWrittenOncePerStay) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto chain = Chain("a", 24);
  PutChain(chain);
  store_->Quiesce();

  for (int round = 0; round < 3; ++round) {
    for (const BlockHash& hash : chain) {
      ExpectReadable(hash);  // promoted, and later it leaves DRAM again
      store_->Quiesce();
    }
  }

  EXPECT_GT(store_->stats().promoted_blocks, 40u);
  for (const BlockHash& hash : chain) EXPECT_LE(ssd_->WritesOf(Address(hash).key), 1);
}

TEST_F(EvictionTest, AFullSsdEvictsTailsFirstAndStaysWithinItsQuota) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.ssd_blocks = 40;
  Open(setup);
  std::vector<std::vector<BlockHash>> chains;
  for (int i = 0; i < 10; ++i) chains.push_back(Chain(absl::StrCat("c", i), 12));

  for (const auto& chain : chains) {
    PutChain(chain);
    store_->Quiesce();
    for (const auto& other : chains) ExpectNoHoles(other);
    EXPECT_LE(ssd_->stats().blocks, 40u);
  }

  EXPECT_EQ(Prefix(chains.front()), 0u);
  EXPECT_EQ(Prefix(chains.back()), 12u);
  EXPECT_GT(store_->stats().evicted_blocks[1][static_cast<int>(EvictReason::kCapacity)], 0u);
  EXPECT_EQ(store_->stats().demotions_refused, 0u);
}

TEST_F(EvictionTest, WhenTheSsdTakesNothingBlocksLeaveDramAnyway) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  ssd_->FailWritesWith(absl::UnavailableError("read-only"));

  const auto chain = Chain("a", 20);
  EXPECT_THAT(PutChain(chain), Each(PutOutcome::kStored));
  store_->Quiesce();

  EXPECT_GE(store_->stats().demotions_refused, 12u);
  EXPECT_EQ(store_->stats().resident_blocks[1], 0u);
  EXPECT_EQ(store_->stats().demoted_blocks, 0u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kUnavailable);
}

TEST_F(EvictionTest, AnSsdWithoutAnyRoomRefusesAndTheStoreGoesOn) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.ssd_blocks = 0;
  Open(setup);

  const auto chain = Chain("a", 20);
  EXPECT_THAT(PutChain(chain), Each(PutOutcome::kStored));
  store_->Quiesce();

  EXPECT_GE(store_->stats().demotions_refused, 12u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kOverQuota);
}

TEST_F(EvictionTest, ABlockThatSomebodyHoldsIsPassedOver) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.with_ssd = false;
  Open(setup);
  const auto chain = Chain("held", 2);
  PutChain(chain);
  {
    const absl::StatusOr<BlockRef> held = ReadOne(chain[1]);
    ASSERT_TRUE(held.ok());

    PutChain(Chain("others", 20));
    store_->Quiesce();

    EXPECT_EQ(Prefix(chain), 2u) << "its parent stays with it";
    EXPECT_TRUE(AsText(held->payload()) == PayloadOf(Address(chain[1]).identity, kTestBlockBytes));
  }
  PutChain(Chain("more", 20));
  store_->Quiesce();
  EXPECT_EQ(Prefix(chain), 0u);
}

TEST_F(EvictionTest, EvictionsAreTimed) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.with_ssd = false;
  Open(setup);
  const auto chain = Chain("a", 4);
  PutChain(chain);
  clock_.Advance(absl::Seconds(5));
  Touch(chain);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(50));

  PutChain(Chain("b", 12), kAgent);
  store_->Quiesce();

  const CategoryStats chat = store_->stats().categories[2];
  EXPECT_EQ(chat.lifespan_ms.count, 4u);
  EXPECT_NEAR(chat.lifespan_ms.Quantile(0.5), 5000, 700);
  EXPECT_NEAR(chat.idle_before_evict_ms.Quantile(0.5), 50000, 7000);
}

TEST_F(EvictionTest, ATailWithoutItsParentIsDroppedAfterAGrace) {
  const auto chain = Chain("a", 5);
  PutChain(chain);
  store_->DeleteChain(Slice({chain[0]}), {});
  store_->Quiesce();
  EXPECT_EQ(store_->stats().index_entries, 4u) << "a Put may publish children before parents";

  // The whole tail goes, one generation per second and walk.
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(2));
    store_->Quiesce();
  }

  EXPECT_EQ(store_->stats().index_entries, 0u);
  EXPECT_EQ(store_->stats().evicted_blocks[0][static_cast<int>(EvictReason::kUnreachable)], 4u);
}

TEST_F(EvictionTest, ChildrenThatWerePutBeforeTheirParentsStay) {
  const auto chain = Chain("a", 3);
  PutBlocks(chain, 1, 3);
  store_->Quiesce();
  clock_.Advance(absl::Milliseconds(900));
  PutBlocks(chain, 0, 1);
  clock_.Advance(absl::Seconds(10));
  store_->Quiesce();

  EXPECT_EQ(Prefix(chain), 3u);
}

TEST_F(EvictionTest, ARingOfParentsDoesNotFillDramForEver) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.with_ssd = false;
  Open(setup);
  const auto a = Chain("a", 2);
  for (int i = 0; i < 2; ++i) {
    BlockStore::PutBlock block = Prepare(a, i);
    block.parent = Address(a[1 - i]).key;  // each says that the other one is before it
    block.depth = 1 + i;
    EXPECT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kStored);
  }

  PutChain(Chain("b", 20));
  store_->Quiesce();

  EXPECT_FALSE(InDram(a[0]) || InDram(a[1]));
}

TEST_F(EvictionTest, TheTierGetsSlotsBackThatItWants) {
  const auto chain = Chain("a", 6);
  PutChain(chain);
  Restart(/*drain=*/true);
  ASSERT_EQ(ssd_->stats().blocks, 6u);

  ssd_->WantSlotsBelow(4);
  store_->Quiesce();

  EXPECT_EQ(ssd_->stats().blocks_moved, 3u);
  EXPECT_TRUE(ssd_->WantedBack(10).empty());
  EXPECT_EQ(store_->CheckConservation(), "");
  for (const BlockHash& hash : chain) ExpectReadable(hash);
}

TEST_F(EvictionTest, WantedSlotsAreKeptWhileTheTierTakesNoWrites) {
  const auto chain = Chain("a", 6);
  PutChain(chain);
  Restart(/*drain=*/true);
  ssd_->FailWritesWith(absl::UnavailableError("read-only"));

  ssd_->WantSlotsBelow(4);
  store_->Quiesce();

  EXPECT_EQ(ssd_->stats().blocks, 6u);
  ssd_->FailWritesWith(absl::OkStatus());
  store_->Quiesce();
  EXPECT_EQ(ssd_->stats().blocks_moved, 3u);
  EXPECT_EQ(store_->CheckConservation(), "");
}

TEST_F(EvictionTest, WantedSlotsAreErasedIfTheirBlocksCannotMove) {
  const auto chain = Chain("a", 6);
  PutChain(chain);
  Restart(/*drain=*/true);
  for (const BlockHash& hash : chain) ExpectReadable(hash);
  ASSERT_EQ(ssd_->stats().blocks, 6u);
  ssd_->FailWritesWith(absl::ResourceExhaustedError("full"));

  ssd_->WantSlotsBelow(4);
  store_->Quiesce();

  EXPECT_EQ(ssd_->stats().blocks, 3u);
  EXPECT_EQ(Prefix(chain), 6u) << "what is in DRAM as well stays there";
}

TEST_F(EvictionTest, ALostChangeIsFoundAgain) {
  Setup setup;
  setup.dram_blocks = 16;
  setup.with_ssd = false;
  Open(setup);
  // More changes than the queue holds, with no step between them: two by each turn.
  const NamespaceRef small = OpenNamespace("small", 4096);
  const auto one = Chain("again", 1);
  for (int i = 0; i <= 1 << 15; ++i) {
    ASSERT_EQ(store_->Commit(small, Prepare(one, 0, 0, small), kChat), PutOutcome::kStored);
    ASSERT_EQ(store_->DeleteChain(Slice(one, small), {}), 1u);
  }
  const auto chain = Chain("a", 4);
  PutChain(chain);

  PutChain(Chain("b", 40));
  store_->Quiesce();

  EXPECT_EQ(Prefix(chain), 0u) << "a block that the policy never heard of would stay";
}

// --- Memory between block sizes

TEST_F(EvictionTest, ANewBlockSizeIsNotStarvedByAnother) {
  Setup setup;
  setup.dram_bytes = 4 << 20;
  setup.with_ssd = false;
  Open(setup);
  const NamespaceRef large = OpenNamespace("large", 512 << 10);
  PutChain(Chain("small", 100));
  store_->Quiesce();

  EXPECT_THAT(PutChain(Chain("large", 12), kChat, large), Each(PutOutcome::kStored));
  store_->Quiesce();

  EXPECT_GT(Lookup(Chain("large", 12), large).prefix_blocks + 1, 1u);
  EXPECT_THAT(PutChain(Chain("small again", 20)), Each(PutOutcome::kStored));
}

TEST_F(EvictionTest, SizesTakeTurnsOverManyRounds) {
  Setup setup;
  setup.dram_bytes = 4 << 20;
  Open(setup);
  const std::vector<NamespaceRef> sizes = {OpenNamespace("s4", 4 << 10),
                                           OpenNamespace("s20", 20 << 10),
                                           OpenNamespace("s300", 300 << 10), ns_};

  for (int round = 0; round < 40; ++round) {
    const auto chain = Chain(absl::StrCat("r", round), 6);
    const NamespaceRef& ns = sizes[round % sizes.size()];
    EXPECT_THAT(PutChain(chain, kChat, ns), Each(PutOutcome::kStored)) << "round " << round;
    EXPECT_EQ(Lookup(chain, ns).prefix_blocks, 6u);
  }
}

TEST_F(EvictionTest, BlocksAreMovedAndNotEvictedWhenTheirSizeHasFreeSlots) {
  Setup setup;
  setup.dram_bytes = 64 << 20;  // slabs of 1 MiB
  setup.with_ssd = false;
  Open(setup);
  const auto chain = Chain("small", 960);
  for (size_t i = 0; i < chain.size(); ++i) {
    BlockStore::PutBlock block = Prepare(chain, i);
    block.parent = {};  // each a chain of its own
    ASSERT_EQ(store_->Commit(ns_, std::move(block), kChat), PutOutcome::kStored);
  }
  uint64_t kept = 0;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (i % 8 != 0) store_->DeleteChain(Slice({chain[i]}), {});  // every slab nearly empty
  }
  clock_.Advance(absl::Minutes(2));  // the small size is no longer in use

  const NamespaceRef large = OpenNamespace("large", 16 << 20);
  EXPECT_THAT(PutChain(Chain("large", 2), kChat, large), Each(PutOutcome::kStored));
  store_->Quiesce();

  for (size_t i = 0; i < chain.size(); i += 8) {
    if (!InDram(chain[i])) continue;
    ExpectReadable(chain[i]);
    ++kept;
  }
  EXPECT_EQ(kept, 120u);
  EXPECT_EQ(store_->stats().evicted_blocks[0][static_cast<int>(EvictReason::kCapacity)], 0u);
}

}  // namespace
}  // namespace halflife
