#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using RestartTest = StoreTest;

TEST_F(RestartTest, AfterADrainEveryBlockIsServedAgain) {
  const auto chain = Chain("a", 40);
  PutChain(chain);

  Restart(/*drain=*/true);

  EXPECT_EQ(Prefix(chain), 40u);
  EXPECT_EQ(store_->stats().resident_blocks[1], 40u);
  EXPECT_NE(store_->FindNamespace(ns_->id), nullptr);
  for (const BlockHash& hash : chain) ExpectReadable(hash);
}

TEST_F(RestartTest, WithoutADrainWhatWasDemotedIsServedAgain) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto chain = Chain("a", 30);
  PutChain(chain);
  store_->Quiesce();
  const uint64_t on_ssd = ssd_->stats().blocks;
  ASSERT_GE(on_ssd, 20u);

  Restart(/*drain=*/false);

  EXPECT_EQ(store_->stats().resident_blocks[1], on_ssd);
}

TEST_F(RestartTest, DrainWritesTheLastUsedHeadsFirstWhenTheQuotaEnds) {
  Setup setup;
  setup.ssd_blocks = 6;
  Open(setup);
  const auto old_chain = Chain("old", 4);
  const auto new_chain = Chain("new", 8);
  PutChain(old_chain);
  PutChain(new_chain);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(100));
  Touch(new_chain);

  Restart(/*drain=*/true);

  EXPECT_EQ(ssd_->stats().blocks, 6u);
  EXPECT_EQ(Prefix(old_chain), 0u);
  EXPECT_EQ(Prefix(new_chain), 6u);
}

// A tail that nobody can reach any more is as good as lost.
TEST_F(RestartTest, DrainWritesFirstWhatABlockOnSsdStandsOn) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto old_chain = Chain("old", 8);
  const auto new_chain = Chain("new", 4);
  PutChain(old_chain);
  clock_.Advance(absl::Seconds(100));
  PutChain(new_chain);
  store_->Quiesce();
  Touch(new_chain);
  ASSERT_TRUE(OnSsd(old_chain.back()));
  ASSERT_TRUE(!OnSsd(old_chain[0]) && !OnSsd(new_chain[0]));

  store_->Drain(absl::Seconds(60));

  const auto slot_of = [&](const BlockHash& hash) {
    MutexLock lock(ssd_->medium()->mutex);
    return ssd_->medium()->blocks.at(Address(hash).key).location.slot;
  };
  EXPECT_LT(slot_of(old_chain[0]), slot_of(new_chain[0]));
  EXPECT_LT(slot_of(new_chain[0]), slot_of(new_chain[1]));
}

TEST_F(RestartTest, DrainOffersAgainWhatTheTierRefusedForTheMoment) {
  const auto chain = Chain("a", 40);
  PutChain(chain);
  ssd_->FailNextWrites(30, absl::UnavailableError("the database has to catch up"));

  Restart(/*drain=*/true);

  EXPECT_EQ(Prefix(chain), 40u);
}

TEST_F(RestartTest, DrainStopsWhenTheMediumTakesNothing) {
  Setup setup;
  setup.dram_blocks = 200;
  Open(setup);
  for (const char* name : {"a", "b", "c", "d"}) PutChain(Chain(name, 40));
  ssd_->FailWritesWith(absl::UnavailableError("broken"));

  store_->Drain(absl::Seconds(60));

  EXPECT_EQ(ssd_->stats().writes_failed, 128u) << "one batch";
}

TEST_F(RestartTest, ADrainWithoutTimeWritesNothing) {
  PutChain(Chain("a", 4));

  store_->Drain(absl::ZeroDuration());

  EXPECT_EQ(ssd_->stats().writes_ok, 0u);
}

TEST_F(RestartTest, WhatWasIdleLongestGoesFirstAfterARestart) {
  const auto cold = Chain("cold", 4);
  const auto hot = Chain("hot", 4);
  PutChain(hot);
  PutChain(cold);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(100));
  Touch(hot);
  store_->Quiesce();
  setup_.dram_blocks = 8;
  setup_.ssd_blocks = 8;
  Restart(/*drain=*/true);

  PutChain(Chain("new", 11));
  store_->Quiesce();

  EXPECT_LT(Prefix(cold), 4u);
  EXPECT_EQ(Prefix(hot), 4u);
}

TEST_F(RestartTest, CategoriesHitsAndParentsComeBack) {
  const auto chain = Chain("a", 2);
  PutChain(chain, kAgent);
  Touch(chain, kAgent);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(7));
  store_->Drain(absl::Seconds(60));

  const auto state = ssd_->StateOf(Address(chain[1]).key);

  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->parent, Address(chain[0]).key);
  EXPECT_EQ(state->depth, 1u);
  EXPECT_EQ(state->hits, 1u);
  EXPECT_EQ(state->idle_s, 7u);
  Open(setup_);
  for (const CategoryStats& category : store_->stats().categories) {
    EXPECT_EQ(category.resident_blocks[1], category.name == "agent/1" ? 2u : 0u);
  }
}

TEST_F(RestartTest, BlocksOfAnotherSecretAreErasedAndNeverServed) {
  const auto chain = Chain("a", 4);
  PutChain(chain);
  store_->Drain(absl::Seconds(60));
  setup_.secret = 8;

  Open(setup_);

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_EQ(ssd_->stats().blocks, 0u);
}

TEST_F(RestartTest, BlocksWithoutANamespaceAreErased) {
  PutChain(Chain("a", 4));
  store_->Drain(absl::Seconds(60));
  {
    MutexLock lock(setup_.medium->mutex);
    setup_.medium->namespaces.clear();
  }

  Open(setup_);

  EXPECT_EQ(ssd_->stats().blocks, 0u);
}

TEST_F(RestartTest, ADescriptorThatDoesNotDecodeIsSkipped) {
  PutChain(Chain("a", 4));
  store_->Drain(absl::Seconds(60));
  {
    MutexLock lock(setup_.medium->mutex);
    setup_.medium->namespaces["00"] = "garbage";
  }

  Open(setup_);

  EXPECT_EQ(store_->Namespaces().size(), 1u);
  EXPECT_EQ(ssd_->stats().blocks, 4u);
}

TEST_F(RestartTest, AStoreWithoutSsdDrainsAndForgets) {
  Setup setup;
  setup.with_ssd = false;
  Open(setup);
  PutChain(Chain("a", 4));

  Restart(/*drain=*/true);

  EXPECT_FALSE(store_->stats().has_ssd);
  EXPECT_EQ(Prefix(Chain("a", 4)), 0u);
}

}  // namespace
}  // namespace halflife
