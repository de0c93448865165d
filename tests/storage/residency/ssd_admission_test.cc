#include "storage/residency/ssd_admission.h"

#include <map>
#include <random>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gtest/gtest.h"
#include "tests/fakes/idle_policy.h"
#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

using Verdict = SsdAdmission::Verdict;

constexpr uint32_t kBlockBytes = 1000;
constexpr uint64_t kBlocksPerMinute = 60;
constexpr uint64_t kPerDay = kBlocksPerMinute * kBlockBytes * 24 * 60;
constexpr int64_t kStartNs = 3600 * kSecondNs;

// Knows what each block scores, and nothing else.
class ScoredPolicy final : public IdlePolicy {
 public:
  bool AdmitToSsd(const BlockFacts&, bool has_room, int64_t) override {
    return has_room || admits_without_room;
  }
  double SsdScore(const BlockFacts& block, int64_t) override { return scores.at(block.key); }

  absl::flat_hash_map<BlockKey, double, BlockKeyHash> scores;
  bool admits_without_room = true;
};

class SsdAdmissionTest : public ::testing::Test {
 protected:
  BlockFacts Block(uint64_t number, double score) {
    BlockFacts facts;
    facts.key = KeyOfNumber(number);
    facts.bytes = kBlockBytes;
    policy_.scores[facts.key] = score;
    return facts;
  }
  // A block alone, with room.
  Verdict Offer(SsdAdmission& admission, const BlockFacts& block, int64_t now_ns) {
    const Verdict verdict = admission.Judge(block, now_ns);
    if (verdict != Verdict::kAdmitted) return verdict;
    return admission.Admit(block, block.bytes, /*has_room=*/true, now_ns);
  }

  ScoredPolicy policy_;
};

TEST_F(SsdAdmissionTest, WithoutABudgetThePolicyAloneDecides) {
  SsdAdmission admission({}, &policy_);
  const BlockFacts block = Block(1, 0);

  EXPECT_EQ(Offer(admission, block, kStartNs), Verdict::kAdmitted);
  policy_.admits_without_room = false;
  EXPECT_EQ(admission.Admit(block, block.bytes, /*has_room=*/false, kStartNs), Verdict::kCold);
  EXPECT_FALSE(admission.limited());
}

TEST_F(SsdAdmissionTest, WhileItPaysForAllEverythingIsAdmitted) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);

  // One block in 1.5 s; the first minute only earns.
  for (int i = 80; i < 2000; ++i) {
    const int64_t now_ns = kStartNs + i * 3 * kSecondNs / 2;
    if (i == 80) Offer(admission, Block(0, 1), kStartNs);
    EXPECT_EQ(Offer(admission, Block(i, 1.0 / i), now_ns), Verdict::kAdmitted) << i;
  }
}

TEST_F(SsdAdmissionTest, WhereItDoesNotTheBudgetGoesToTheBest) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> scores(0, 1.5);
  double admitted = 0, offered = 0, admitted_of_best = 0, best = 0;

  // Ten blocks a second for one that is paid for, half an hour.
  for (int i = 0; i < 18000; ++i) {
    const int64_t now_ns = kStartNs + i * kSecondNs / 10;
    const double score = scores(random);
    const bool is_admitted = Offer(admission, Block(i, score), now_ns) == Verdict::kAdmitted;
    if (i < 6000) continue;
    offered += 1;
    admitted += is_admitted ? 1 : 0;
    // e^(1.5 * 1.645): the best twentieth, which the budget could pay for twice over.
    if (score < 11.8) continue;
    best += 1;
    admitted_of_best += is_admitted ? 1 : 0;
  }

  EXPECT_LE(admitted / offered, 0.1005);
  EXPECT_GT(admitted / offered, 0.09);
  EXPECT_GT(admitted_of_best / best, 0.85);
}

TEST_F(SsdAdmissionTest, ScoresThatAreAllAlikeStillUseTheBudget) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  double admitted = 0;
  for (int i = 0; i < 12000; ++i) {
    const int64_t now_ns = kStartNs + i * kSecondNs / 10;
    admitted += Offer(admission, Block(i, 1), now_ns) == Verdict::kAdmitted ? 1 : 0;
  }

  EXPECT_GT(admitted, 19 * 60 * 0.97);  // of 20 minutes, the first of which earns only
  EXPECT_LE(admitted, 20 * 60);
}

// A hundred and twenty blocks a minute are new, and in use for two minutes, in which a small DRAM
// loses them every six seconds until they are written. The budget pays for sixty: half of them, not
// a fortieth of what is offered.
TEST_F(SsdAdmissionTest, WhatIsRefusedAndOfferedAgainDoesNotKeepTheBudgetFromBeingUsed) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  std::mt19937_64 random(5);
  std::lognormal_distribution<double> scores(0, 1.5);
  std::map<int, std::vector<BlockFacts>> due;  // by half second
  int written = 0;

  for (int now = 0; now < 3600; ++now) {
    due[now].push_back(Block(now, scores(random)));
    due[now].back().depth = now;  // since when
    for (const BlockFacts& block : due[now]) {
      const bool admitted =
          Offer(admission, block, kStartNs + now * kSecondNs / 2) == Verdict::kAdmitted;
      const bool in_use = std::cmp_less(now, block.depth + 240);
      if (!admitted && in_use) due[now + 12].push_back(block);
      if (admitted && now >= 1200) ++written;
    }
  }

  EXPECT_GT(written, 20 * kBlocksPerMinute * 95 / 100);
}

TEST_F(SsdAdmissionTest, AChainThatCannotBePaidForIsRefusedAsAWhole) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  const BlockFacts block = Block(1, 1);
  const int64_t now_ns = kStartNs + 120 * kSecondNs;
  admission.AffordableBytes(kStartNs);

  EXPECT_EQ(admission.AffordableBytes(now_ns), kBlocksPerMinute * kBlockBytes);
  EXPECT_EQ(admission.Admit(block, (kBlocksPerMinute + 1) * kBlockBytes, true, now_ns),
            Verdict::kBudget);
  EXPECT_EQ(admission.Admit(block, kBlocksPerMinute * kBlockBytes, true, now_ns),
            Verdict::kAdmitted);
  EXPECT_EQ(admission.Admit(block, kBlockBytes, true, now_ns), Verdict::kBudget);
}

TEST_F(SsdAdmissionTest, ABlockAboveAMinutesShareGoesAloneAndIsPaidForLater) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  BlockFacts block = Block(1, 1);
  block.bytes = 3 * kBlocksPerMinute * kBlockBytes;
  const int64_t now_ns = kStartNs + 120 * kSecondNs;
  admission.AffordableBytes(kStartNs);

  EXPECT_EQ(admission.Admit(block, 2 * block.bytes, true, now_ns), Verdict::kBudget);
  EXPECT_EQ(admission.Admit(block, block.bytes, true, now_ns), Verdict::kAdmitted);
  EXPECT_EQ(admission.AffordableBytes(now_ns + 150 * kSecondNs), 0u);
  EXPECT_GT(admission.AffordableBytes(now_ns + 190 * kSecondNs), 0u);
}

TEST_F(SsdAdmissionTest, WhatTheDatabaseWritesIsPaidForToo) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  const int64_t now_ns = kStartNs + 120 * kSecondNs;
  admission.AffordableBytes(kStartNs);

  admission.SetWriteAmplification(1.5);

  EXPECT_EQ(admission.AffordableBytes(now_ns), kBlocksPerMinute * kBlockBytes * 2 / 3);
  EXPECT_EQ(admission.Admit(Block(1, 1), 30 * kBlockBytes, true, now_ns), Verdict::kAdmitted);
  EXPECT_NEAR(admission.stats(now_ns).budget_used_ratio, 0.75, 1e-9);
  EXPECT_EQ(admission.stats(now_ns).write_amplification, 1.5);
}

TEST_F(SsdAdmissionTest, ItTellsWhatIsLeftAndWhatWasUsed) {
  SsdAdmission admission({.write_budget_bytes_per_day = kPerDay}, &policy_);
  const int64_t now_ns = kStartNs + 120 * kSecondNs;
  EXPECT_EQ(admission.stats(kStartNs).available_bytes, 0u) << "a start earns nothing";
  EXPECT_EQ(admission.stats(kStartNs).minute_bytes, 0u) << "nor has it written anything";

  ASSERT_EQ(admission.Admit(Block(1, 1), 30 * kBlockBytes, true, now_ns), Verdict::kAdmitted);
  admission.Refund(10 * kBlockBytes);
  admission.Charge(5 * kBlockBytes, now_ns);

  SsdAdmission::Stats stats = admission.stats(now_ns + kSecondNs);
  EXPECT_EQ(stats.minute_bytes, 25u * kBlockBytes);
  EXPECT_EQ(stats.day_bytes, 25u * kBlockBytes);
  EXPECT_EQ(stats.available_bytes, (kBlocksPerMinute - 25) * kBlockBytes);
  stats = admission.stats(now_ns + 2 * 60 * kSecondNs);
  EXPECT_EQ(stats.minute_bytes, 0u);
  EXPECT_EQ(stats.day_bytes, 25u * kBlockBytes);
  EXPECT_EQ(stats.available_bytes, kBlocksPerMinute * kBlockBytes);
  EXPECT_EQ(admission.stats(now_ns + 25 * 3600 * kSecondNs).day_bytes, 0u);
}

TEST_F(SsdAdmissionTest, TheRuleOfOthersTakesWhatWasHitTwice) {
  SsdAdmission admission({.rule = SsdAdmission::Rule::kHitTwice}, &policy_);
  BlockFacts block = Block(1, 1);

  block.hits = 1;
  EXPECT_EQ(Offer(admission, block, kStartNs), Verdict::kCold);
  block.hits = 2;
  EXPECT_EQ(Offer(admission, block, kStartNs), Verdict::kAdmitted);
}

}  // namespace
}  // namespace halflife
