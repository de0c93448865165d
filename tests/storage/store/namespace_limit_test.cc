// Floors and ceilings of namespaces in DRAM, in bytes, whatever the policy.

#include "absl/strings/str_cat.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

class NamespaceLimitTest : public StoreTest, public ::testing::WithParamInterface<const char*> {
 protected:
  // 64 blocks of DRAM and two tenants, "gold" and "flood".
  void Start(const std::string& limits, bool with_ssd = false) {
    Setup setup;
    setup.with_ssd = with_ssd;
    setup.options.policy = GetParam();
    setup.options.namespace_limits = limits;
    Open(setup);
    gold_ = OpenNamespace("gold");
    flood_ = OpenNamespace("flood");
  }
  static std::string Bytes(uint64_t blocks) { return absl::StrCat(blocks * kTestBlockBytes); }

  uint64_t DramBlocks(const NamespaceRef& ns, absl::string_view name, int chains, int blocks) {
    uint64_t count = 0;
    for (int i = 0; i < chains; ++i) {
      for (const BlockHash& hash : Chain(absl::StrCat(name, i), blocks)) {
        count += store_->FindInDram(Address(hash, 0, ns)) ? 1 : 0;
      }
    }
    return count;
  }
  uint64_t GoldBlocks() { return DramBlocks(gold_, "gold", 5, 8); }
  uint64_t UsedBytes(const NamespaceRef& ns) {
    const auto use = store_->UseUnderLimit(ns);
    return use ? use->bytes : UINT64_MAX;
  }
  void PutGold() {
    for (int i = 0; i < 5; ++i) PutChain(Chain(absl::StrCat("gold", i), 8), kChat, gold_);
    clock_.Advance(absl::Seconds(1));
    store_->Quiesce();
  }
  // Chains of 8 that nobody asks for again, each touched as it comes.
  void Flood(int chains) {
    for (int i = 0; i < chains; ++i) {
      const auto chain = Chain(absl::StrCat("flood", flooded_++), 8);
      PutChain(chain, kAgent, flood_);
      store_->Touch(Slice(chain, flood_), 8, {}, kAgent);
      clock_.Advance(absl::Seconds(1));
      store_->Quiesce();
    }
  }

  NamespaceRef gold_, flood_;
  int flooded_ = 0;
};

TEST_P(NamespaceLimitTest, AFloodDoesNotTakeAnotherNamespaceBelowItsFloor) {
  Start(absl::StrCat("gold: model=gold min_bytes=", Bytes(24)));
  PutGold();
  ASSERT_EQ(GoldBlocks(), 40u);

  for (int round = 0; round < 20; ++round) {
    Flood(2);
    ASSERT_GE(GoldBlocks(), 24u) << "round " << round;
  }

  EXPECT_EQ(GoldBlocks(), 24u) << "what is above the floor goes";
  EXPECT_EQ(UsedBytes(gold_), 24 * kTestBlockBytes);
}

TEST_P(NamespaceLimitTest, WithoutAFloorTheFloodTakesMore) {
  Start("");
  PutGold();

  Flood(40);

  EXPECT_LT(GoldBlocks(), 24u);
  EXPECT_FALSE(store_->UseUnderLimit(gold_).has_value());
}

TEST_P(NamespaceLimitTest, AFloorHoldsWithAnSsdTierToo) {
  Start(absl::StrCat("gold: model=gold min_bytes=", Bytes(24)), /*with_ssd=*/true);
  PutGold();

  Flood(40);

  EXPECT_EQ(GoldBlocks(), 24u);
}

TEST_P(NamespaceLimitTest, ACeilingHoldsAfterEveryPutAndItsOwnBlocksGo) {
  Start(absl::StrCat("flood: model=flood max_bytes=", Bytes(20)));
  PutGold();

  for (int i = 0; i < 40; ++i) {
    const auto chain = Chain(absl::StrCat("flood", i), 3);
    for (size_t b = 0; b < chain.size(); ++b) {
      ASSERT_EQ(store_->Commit(flood_, Prepare(chain, b, 0, flood_), kAgent), PutOutcome::kStored);
      ASSERT_LE(UsedBytes(flood_), 20 * kTestBlockBytes);
    }
    clock_.Advance(absl::Seconds(1));
  }

  EXPECT_GE(UsedBytes(flood_), 17 * kTestBlockBytes);
  EXPECT_EQ(UsedBytes(flood_), DramBlocks(flood_, "flood", 40, 3) * kTestBlockBytes);
  EXPECT_EQ(GoldBlocks(), 40u) << "there was room without it";
}

TEST_P(NamespaceLimitTest, ABlockThatCannotGoUnderItsCeilingIsRefusedInTime) {
  Start(absl::StrCat("flood: model=flood max_bytes=", Bytes(4)));
  const auto held = Chain("held", 4);
  PutChain(held, kAgent, flood_);
  const PinnedLookup pinned = store_->Pin(Slice(held, flood_), {}, kAgent, absl::Seconds(30));
  ASSERT_EQ(pinned.pinned_blocks, 4u);

  const absl::StatusOr<BlockBuffer> answer = Allocate(Chain("more", 1)[0], flood_);

  EXPECT_TRUE(absl::IsOutOfRange(answer.status())) << answer.status();
  EXPECT_EQ(Lookup(Chain("more", 1), flood_).miss_reason, MissReason::kOverQuota);
  EXPECT_EQ(UsedBytes(flood_), 4 * kTestBlockBytes);
  EXPECT_TRUE(Allocate(Chain("of another", 1)[0], gold_).ok());
  ASSERT_TRUE(store_->Release(pinned.lease).ok());
}

TEST_P(NamespaceLimitTest, OfTwoPutsForTheLastPlaceUnderACeilingOneIsRefusedAndCounted) {
  Start(absl::StrCat("flood: model=flood max_bytes=", Bytes(1)));
  const auto a = Chain("a", 1), b = Chain("b", 1);
  BlockStore::PutBlock first = Prepare(a, 0, 0, flood_), second = Prepare(b, 0, 0, flood_);

  EXPECT_EQ(store_->Commit(flood_, std::move(first), kChat), PutOutcome::kStored);
  EXPECT_EQ(store_->Commit(flood_, std::move(second), kChat), PutOutcome::kRefusedOverQuota);

  EXPECT_EQ(UsedBytes(flood_), kTestBlockBytes);
  uint64_t refused = 0;
  for (const CategoryStats& category : store_->stats().categories) {
    refused += category.put_blocks[static_cast<int>(PutOutcome::kRefusedOverQuota)];
  }
  EXPECT_EQ(refused, 1u);
}

TEST_P(NamespaceLimitTest, TwoNamespacesUnderOneLimitShareIt) {
  Start(absl::StrCat("both: model=gold|flood max_bytes=", Bytes(16)));

  PutChain(Chain("a", 12), kChat, gold_);
  clock_.Advance(absl::Seconds(1));
  PutChain(Chain("b", 12), kChat, flood_);

  EXPECT_LE(UsedBytes(gold_) + UsedBytes(flood_), 16 * kTestBlockBytes);
  const auto use = store_->UseUnderLimit(gold_);
  ASSERT_TRUE(use.has_value());
  EXPECT_EQ(use->limit.name, "both");
  EXPECT_EQ(use->limit.used_bytes, UsedBytes(gold_) + UsedBytes(flood_));
  EXPECT_EQ(use->limit.max_bytes, 16 * kTestBlockBytes);
}

TEST_P(NamespaceLimitTest, WhatIsReadBackFromSsdStaysBelowTheCeilingInTheEnd) {
  Start(absl::StrCat("flood: model=flood max_bytes=", Bytes(8)), /*with_ssd=*/true);
  const auto chain = Chain("a", 16);
  PutChain(chain, kAgent, flood_);
  store_->Quiesce();
  ASSERT_EQ(Lookup(chain, flood_).prefix_blocks, 16u) << "the rest is on SSD";

  for (const BlockHash& hash : chain) ExpectReadable(hash, 0, flood_);
  store_->Quiesce();

  EXPECT_LE(UsedBytes(flood_), 8 * kTestBlockBytes);
}

TEST_P(NamespaceLimitTest, ADeletedNamespaceLeavesItsLimitAndAReopenedOneIsUnderItAgain) {
  Start(absl::StrCat("flood: model=flood max_bytes=", Bytes(8)));
  PutChain(Chain("a", 8), kAgent, flood_);
  ASSERT_EQ(UsedBytes(flood_), 8 * kTestBlockBytes);

  store_->DeleteNamespace(flood_);
  flood_ = OpenNamespace("flood");

  EXPECT_EQ(UsedBytes(flood_), 0u);
  PutChain(Chain("b", 5), kAgent, flood_);
  EXPECT_EQ(UsedBytes(flood_), 5 * kTestBlockBytes);
}

TEST_P(NamespaceLimitTest, FloorsAboveTheTierAreRefusedAtTheStart) {
  BlockStore::Options options;
  options.policy = GetParam();
  options.namespace_limits = absl::StrCat("gold: model=gold min_bytes=", Bytes(60));
  ASSERT_TRUE(options.Validate().ok());
  BlockStore::Tiers tiers;
  tiers.arena = *DramArena::Create({.budget_bytes = 64 * kTestBlockBytes, .huge_pages = false});

  EXPECT_TRUE(absl::IsInvalidArgument(
      BlockStore::Open(options, TenantSecret{}, std::move(tiers)).status()));
}

INSTANTIATE_TEST_SUITE_P(Policies, NamespaceLimitTest, ::testing::Values("model", "wa", "lru"));

}  // namespace
}  // namespace halflife
