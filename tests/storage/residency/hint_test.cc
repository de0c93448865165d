#include <gtest/gtest.h>

#include "storage/residency/model/hint_mark.h"
#include "storage/residency/model/model_policy.h"
#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

constexpr int64_t kStepNs = HintMark::kRetainStepNs;

// A policy that has learnt nothing yet, so that without a hint its order is recency's.
class Hints : public ::testing::Test {
 protected:
  // Chain c has blocks 100 c .. 100 c + 3; the first of them is `head` where one is given.
  static std::vector<uint64_t> ChainOf(uint64_t c) {
    return {100 * c, 100 * c + 1, 100 * c + 2, 100 * c + 3};
  }
  void Serve(double time_s, std::vector<uint64_t> blocks) {
    cache_.Serve({time_s, kUnknownCategory, std::move(blocks)});
  }
  void Hint(HintKind kind, double now_s, const std::vector<uint64_t>& blocks, double until_s = 0) {
    std::vector<BlockKey> keys;
    for (const uint64_t block : blocks) keys.push_back(KeyOfNumber(block));
    policy_.OnHint({.now_ns = static_cast<int64_t>(now_s * 1e9),
                    .kind = kind,
                    .keys = keys,
                    .until_ns = static_cast<int64_t>(until_s * 1e9)});
  }

  ModelPolicy policy_{{}};
  PolicyCache cache_{&policy_, 12};
};

TEST_F(Hints, AReleasedChainGoesBeforeOlderOnes) {
  Serve(1, ChainOf(1));
  Serve(2, ChainOf(2));
  Serve(3, ChainOf(3));
  Hint(HintKind::kRelease, 4, ChainOf(3));
  Serve(20, ChainOf(4));

  EXPECT_TRUE(cache_.Holds(100) && cache_.Holds(103));
  EXPECT_FALSE(cache_.Holds(300));
}

TEST_F(Hints, WithoutAHintTheOldestGoes) {
  Serve(1, ChainOf(1));
  Serve(2, ChainOf(2));
  Serve(3, ChainOf(3));
  Serve(20, ChainOf(4));

  EXPECT_FALSE(cache_.Holds(100));
  EXPECT_TRUE(cache_.Holds(300));
}

TEST_F(Hints, ATouchEndsARelease) {
  Serve(1, ChainOf(1));
  Serve(2, ChainOf(2));
  Serve(3, ChainOf(3));
  Hint(HintKind::kRelease, 4, ChainOf(3));
  Serve(5, ChainOf(3));
  Serve(20, ChainOf(4));

  EXPECT_FALSE(cache_.Holds(100));
  EXPECT_TRUE(cache_.Holds(300));
}

TEST_F(Hints, WhatOtherChainsShareIsNotReleased) {
  Serve(1, ChainOf(1));
  Serve(2, {900, 901, 902, 903});
  Serve(3, {900, 901, 912, 913});
  Hint(HintKind::kRelease, 4, {900, 901, 912, 913});
  Serve(20, {400, 401});  // 12 blocks are there: nothing has to go yet
  Serve(21, {500, 501});

  EXPECT_FALSE(cache_.Holds(912));
  EXPECT_FALSE(cache_.Holds(913));
  EXPECT_TRUE(cache_.Holds(100));
  EXPECT_TRUE(cache_.Holds(903));
}

TEST_F(Hints, ARetainedChainOutlivesYoungerOnesUntilItsTimeIsOver) {
  Serve(1, ChainOf(1));
  Hint(HintKind::kRetain, 1, ChainOf(1), 60);
  Serve(20, ChainOf(2));
  Serve(30, ChainOf(3));
  Serve(40, ChainOf(4));
  EXPECT_TRUE(cache_.Holds(100) && cache_.Holds(103));
  EXPECT_FALSE(cache_.Holds(200));

  Serve(76, ChainOf(5));  // a retention ends on a whole step
  EXPECT_FALSE(cache_.Holds(100));
  EXPECT_TRUE(cache_.Holds(300));
}

TEST_F(Hints, ADemotedChainLeavesMemoryFirstAndSsdInItsTurn) {
  ModelPolicy policy({});
  const auto insert = [&policy](Tier tier, uint64_t block, double time_s) {
    const std::vector<BlockKey> keys{KeyOfNumber(block)};
    policy.OnTouch({.now_ns = static_cast<int64_t>(time_s * 1e9), .keys = keys});
    BlockFacts facts;
    facts.key = keys[0];
    facts.last_touch_ns = static_cast<int64_t>(time_s * 1e9);
    policy.OnInsert(tier, facts);
  };
  insert(Tier::kDram, 10, 1);
  insert(Tier::kSsd, 11, 1);
  insert(Tier::kDram, 20, 2);
  insert(Tier::kSsd, 21, 2);
  const std::vector<BlockKey> dram{KeyOfNumber(20)};
  const std::vector<BlockKey> ssd{KeyOfNumber(21)};
  policy.OnHint({.now_ns = 3 * kSecondNs, .kind = HintKind::kDemote, .keys = dram});
  policy.OnHint({.now_ns = 3 * kSecondNs, .kind = HintKind::kDemote, .keys = ssd});

  EXPECT_EQ(policy.NextVictim(Tier::kDram, 20 * kSecondNs), KeyOfNumber(20));
  EXPECT_EQ(policy.NextVictim(Tier::kSsd, 20 * kSecondNs), KeyOfNumber(11));
}

TEST_F(Hints, OfBlocksThatAreNotKnownAreNothing) {
  Hint(HintKind::kRelease, 1, ChainOf(7));
  Hint(HintKind::kRetain, 1, ChainOf(7), 3600);
  Serve(2, ChainOf(7));

  EXPECT_TRUE(cache_.Holds(700));
}

TEST_F(Hints, ManyRetentionsEndAfterALongSilence) {
  for (int i = 0; i < 200; ++i) {
    Serve(10 * i, {static_cast<uint64_t>(1000 + i)});
    Hint(HintKind::kRetain, 10 * i, {static_cast<uint64_t>(1000 + i)}, 10 * i + 3600);
  }
  Serve(1e6, ChainOf(1));
  Serve(1e6 + 1, ChainOf(2));
  Serve(1e6 + 2, ChainOf(3));

  EXPECT_TRUE(cache_.Holds(100) && cache_.Holds(200) && cache_.Holds(300));
}

TEST(HintMark, SaysWhenARetentionEndsAndNothingAfterwards) {
  for (const int64_t now_ns : {int64_t{0}, kStepNs - 1, 7 * kStepNs, 123'456 * kStepNs + 5}) {
    for (const int64_t ahead_ns : {int64_t{1}, kStepNs, 10 * kStepNs + 3, 240 * kStepNs}) {
      const HintMark mark = HintMark::Of(HintKind::kRetain, now_ns + ahead_ns);
      const int64_t until_ns = mark.RetainedUntilNs(now_ns);
      EXPECT_GE(until_ns, now_ns + ahead_ns);
      EXPECT_LT(until_ns, now_ns + ahead_ns + kStepNs);
      EXPECT_EQ(mark.RetainedUntilNs(until_ns), 0);
      EXPECT_EQ(mark.RetainedUntilNs(until_ns + 86'400 * kSecondNs), 0);
      EXPECT_EQ(mark.queue(), HintMark::QueueOfEnd(until_ns));
    }
  }
}

TEST_F(Hints, EnterWhatAWriteToSsdPromises) {
  for (uint64_t c = 1; c <= 3; ++c) Serve(static_cast<double>(c), ChainOf(c));
  const auto score = [this](uint64_t block, double now_s) {
    BlockFacts facts;
    facts.key = KeyOfNumber(block);
    return policy_.SsdScore(facts, static_cast<int64_t>(now_s * 1e9));
  };
  const double without = score(100, 10);
  ASSERT_GT(without, 0);

  Hint(HintKind::kRelease, 4, ChainOf(1));
  Hint(HintKind::kDemote, 4, ChainOf(2));
  Hint(HintKind::kRetain, 4, ChainOf(3), 604);

  EXPECT_NEAR(score(100, 10), without / 10, 1e-9) << "taken to be right nine times in ten";
  EXPECT_NEAR(score(200, 10), without, 0.01 * without) << "SSD is where it is to go";
  EXPECT_GE(score(300, 10), 0.9);
  EXPECT_NEAR(score(300, 700), without, 0.2 * without) << "once the retention has ended";
}

}  // namespace
}  // namespace halflife
