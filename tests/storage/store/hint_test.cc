// Hints of callers, over the store.

#include "storage/retain_ledger.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using Kind = CallerHint::Kind;

class StoreHints : public StoreTest {
 protected:
  void SetUp() override {
    Setup setup;
    setup.options.policy = "model";
    setup.dram_blocks = 64;
    Open(setup);
  }
  HintAnswer Hint(Kind kind, const std::vector<BlockHash>& chain,
                  absl::Duration duration = absl::Minutes(1)) {
    return store_->Hint(Slice(chain), {}, {.kind = kind, .duration = duration});
  }
  void Fill(int chains, int first = 0) {
    for (int i = first; i < first + chains; ++i) {
      PutChain(Chain("filler " + std::to_string(i), 8));
      clock_.Advance(absl::Seconds(1));
      store_->Quiesce();
    }
  }
};

TEST_F(StoreHints, AReleasedChainLeavesMemoryBeforeOlderOnes) {
  const auto old = Chain("old", 8);
  const auto released = Chain("released", 8);
  PutChain(old);
  clock_.Advance(absl::Seconds(1));
  PutChain(released);
  store_->Quiesce();
  EXPECT_EQ(Hint(Kind::kRelease, released).verdict, HintVerdict::kAccepted);
  clock_.Advance(absl::Seconds(20));
  Fill(6);

  EXPECT_TRUE(InDram(old[0]) && InDram(old[7]));
  EXPECT_FALSE(InDram(released[7]));
  EXPECT_TRUE(OnSsd(released[7]));  // it left memory, not the node
}

TEST_F(StoreHints, ARetainedChainStaysInMemoryAndOneOfItsAgeGoes) {
  const auto retained = Chain("retained", 2);
  const auto plain = Chain("plain", 2);
  PutChain(retained);
  PutChain(plain);
  store_->Quiesce();
  const HintAnswer answer = Hint(Kind::kRetain, retained, absl::Minutes(5));
  EXPECT_EQ(answer.verdict, HintVerdict::kAccepted);
  EXPECT_EQ(answer.blocks, 2);
  EXPECT_EQ(answer.duration, absl::Minutes(5));
  EXPECT_EQ(store_->stats().retained_bytes, 2 * kTestBlockBytes);
  Fill(8);

  EXPECT_TRUE(InDram(retained[0]) && InDram(retained[1]));
  EXPECT_FALSE(InDram(plain[1]));
}

TEST_F(StoreHints, OneNamespaceMayRetainATwentiethOfMemory) {
  const auto chain = Chain("long", 8);
  PutChain(chain);
  const HintAnswer answer = Hint(Kind::kRetain, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kClipped);
  EXPECT_EQ(answer.blocks, 3);  // of 64
  EXPECT_NE(answer.reason, "");

  const HintAnswer again = Hint(Kind::kRetain, chain);
  EXPECT_EQ(again.verdict, HintVerdict::kDeferred);
  EXPECT_EQ(again.blocks, 0);

  clock_.Advance(absl::Minutes(1) + absl::Seconds(15));
  EXPECT_EQ(Hint(Kind::kRetain, chain).blocks, 3);
}

TEST_F(StoreHints, LongerThanAnHourIsCut) {
  const auto chain = Chain("a", 1);
  PutChain(chain);
  const HintAnswer answer = Hint(Kind::kRetain, chain, absl::Hours(2));
  EXPECT_EQ(answer.verdict, HintVerdict::kClipped);
  EXPECT_EQ(answer.duration, absl::Hours(1));
  EXPECT_EQ(answer.reason, "longer than 1h");
}

TEST_F(StoreHints, WhatIsNotHereIsNotRetained) {
  EXPECT_EQ(Hint(Kind::kRetain, Chain("unknown", 4)).verdict, HintVerdict::kRejected);
  auto chain = Chain("half", 2);
  PutBlocks(chain, 0, 1);
  const HintAnswer answer = Hint(Kind::kRetain, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kClipped);
  EXPECT_EQ(answer.blocks, 1);
}

TEST_F(StoreHints, APrefetchBringsTheChainBackToMemory) {
  const auto chain = Chain("cold", 3);
  PutChain(chain);
  store_->Quiesce();
  Hint(Kind::kRelease, chain);
  clock_.Advance(absl::Seconds(20));
  Fill(9);
  ASSERT_FALSE(InDram(chain[0]));

  const HintAnswer answer = Hint(Kind::kPrefetch, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kAccepted);
  EXPECT_EQ(answer.blocks, 3);
  EXPECT_TRUE(InDram(chain[0]) && InDram(chain[2]));
  Fill(8, 100);
  EXPECT_TRUE(InDram(chain[2]));  // and it ranks as one that somebody comes back to
}

TEST_F(StoreHints, APrefetchThatCannotBeReadSaysHowFarItCame) {
  const auto chain = Chain("broken", 3);
  PutChain(chain);
  store_->Quiesce();
  Hint(Kind::kRelease, chain);
  clock_.Advance(absl::Seconds(20));
  Fill(9);
  ssd_->FailReadsWith(absl::UnavailableError("the disk is away"));

  const HintAnswer answer = Hint(Kind::kPrefetch, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kClipped);
  EXPECT_EQ(answer.blocks, 0);
  EXPECT_EQ(answer.reason, "the disk is away");
}

TEST_F(StoreHints, ARetentionThatIsDeferredUsesNoneOfWhatMayBeRetained) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  store_->Quiesce();
  const auto asked = Chain("asked", 8192);
  for (int i = 0; i < 32; ++i) Lookup(asked);  // as many keys as may wait

  const HintAnswer answer = Hint(Kind::kRetain, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kDeferred);
  EXPECT_EQ(answer.reason, "too many touches and hints are waiting");
  EXPECT_EQ(store_->stats().retained_bytes, 0u);

  store_->Quiesce();
  EXPECT_EQ(Hint(Kind::kRetain, chain).blocks, 2u);
}

TEST_F(StoreHints, AreCounted) {
  const auto chain = Chain("a", 1);
  PutChain(chain);
  Hint(Kind::kRetain, chain);
  Hint(Kind::kRelease, chain);
  Hint(Kind::kRetain, Chain("unknown", 1));

  const StoreStats stats = store_->stats();
  EXPECT_EQ(stats.hints[static_cast<int>(Kind::kRetain)][0], 1u);
  EXPECT_EQ(stats.hints[static_cast<int>(Kind::kRetain)][static_cast<int>(HintVerdict::kRejected)],
            1u);
  EXPECT_EQ(stats.hints[static_cast<int>(Kind::kRelease)][0], 1u);
}

TEST_F(StoreHints, APolicyWithoutAScoreRejectsThem) {
  Open(Setup());  // lru
  const auto chain = Chain("a", 1);
  PutChain(chain);
  const HintAnswer answer = Hint(Kind::kRelease, chain);
  EXPECT_EQ(answer.verdict, HintVerdict::kRejected);
  EXPECT_EQ(answer.reason, "storage.policy lru has no score that a hint could enter");
}

TEST(RetainLedger, EachNamespaceAndAllTogetherAreBounded) {
  RetainLedger ledger({.max_bytes = 100, .max_namespace_bytes = 60});
  constexpr int64_t kMinuteNs = 60'000'000'000;
  EXPECT_EQ(ledger.Grant(1, 10, 100, 0, kMinuteNs), 6u);
  EXPECT_EQ(ledger.Grant(1, 10, 1, 0, kMinuteNs), 0u);
  EXPECT_EQ(ledger.Grant(2, 10, 100, 0, 2 * kMinuteNs), 4u);
  EXPECT_EQ(ledger.Grant(3, 10, 1, 0, kMinuteNs), 0u);
  EXPECT_EQ(ledger.bytes(kMinuteNs - 1), 100u);

  EXPECT_EQ(ledger.bytes(kMinuteNs), 40u);
  EXPECT_EQ(ledger.Grant(1, 7, 100, kMinuteNs, 2 * kMinuteNs), 8u);
  EXPECT_EQ(ledger.bytes(3 * kMinuteNs), 0u);
}

TEST(RetainLedger, WhatIsTakenBackMayBeGrantedAgain) {
  RetainLedger ledger({.max_bytes = 100, .max_namespace_bytes = 60});
  constexpr int64_t kMinuteNs = 60'000'000'000;
  EXPECT_EQ(ledger.Grant(1, 10, 4, 0, kMinuteNs), 4u);
  EXPECT_EQ(ledger.Grant(1, 10, 2, 0, kMinuteNs), 2u);

  ledger.TakeBack(1, 10, 4, kMinuteNs);
  EXPECT_EQ(ledger.bytes(0), 20u);
  ledger.TakeBack(1, 10, 2, kMinuteNs);
  EXPECT_EQ(ledger.bytes(0), 0u);
  EXPECT_EQ(ledger.Grant(1, 10, 100, 0, kMinuteNs), 6u);

  EXPECT_EQ(ledger.bytes(kMinuteNs), 0u);
  ledger.TakeBack(1, 10, 6, kMinuteNs);  // it has ended
  EXPECT_EQ(ledger.bytes(kMinuteNs), 0u);
}

}  // namespace
}  // namespace halflife
