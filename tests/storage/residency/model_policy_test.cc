#include "storage/residency/model/model_policy.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"
#include "tests/storage/residency/two_categories.h"

namespace halflife {
namespace {

TEST(ModelPolicy, IsRecencyUntilItHasLearnt) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 60);
  ListCache recency(60);
  std::mt19937_64 random(11);
  double time_s = 0;

  for (int i = 0; i < 2000 && policy.StateAt(0) == ModelState::kCalibrating; ++i) {
    TestRequest request{time_s += 0.3, static_cast<Category>(random() % 3), {}};
    // Chains that branch from each other.
    uint64_t block = i % 10 == 0 ? random() % 4 : 1000 + i * 100;
    for (int depth = 0; depth < 10; ++depth) request.blocks.push_back(block = block * 4 + depth);
    ASSERT_EQ(cache.Serve(request), recency.Serve(request)) << i;
  }

  EXPECT_EQ(policy.StateAt(0), ModelState::kServing);  // in the end it has
}

TEST(ModelPolicy, KeepsWhatComesBackAndGivesUpWhatDoesNot) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, 1, 1000);

  // About 8 requests of the kept category are waiting at a time: 64 blocks; recency would need
  // those of the other one as well.
  const double model = HitRatio(&cache, &workload, 1, 1000);

  TwoCategories again(5);
  ListCache recency(100);
  size_t hits = 0, blocks = 0;
  for (int i = 0; i < 2000; ++i) {
    const TestRequest request = again.Next(1);
    const size_t served = recency.Serve(request);
    if (i < 1000) continue;
    hits += served;
    blocks += request.blocks.size();
  }
  EXPECT_GT(model, 0.3);
  EXPECT_GT(model, 1.2 * static_cast<double>(hits) / static_cast<double>(blocks));
}

// A cache that has served `before` requests when categories swap their behaviour, and one that
// begins then: what they hit of the same requests after the swap, behind the first `skipped`.
struct Recovery {
  double recovered = 0;
  double fresh = 0;
  uint64_t drifts = 0;
};

Recovery RecoveryFromSwap(TwoCategories workload, size_t capacity, int before, int skipped,
                          int counted) {
  ModelPolicy policy({}), fresh_policy({});
  PolicyCache cache(&policy, capacity), fresh_cache(&fresh_policy, capacity);
  HitRatio(&cache, &workload, 1, before);
  TwoCategories same = workload;

  HitRatio(&cache, &workload, 2, skipped);
  HitRatio(&fresh_cache, &same, 2, skipped);
  Recovery recovery{HitRatio(&cache, &workload, 2, counted),
                    HitRatio(&fresh_cache, &same, 2, counted)};

  const ModelReport report = policy.Report(static_cast<int64_t>(workload.time_s()) * kSecondNs);
  for (const CategoryReport& category : report.categories) recovery.drifts += category.drifts;
  return recovery;
}

TEST(ModelPolicy, LearnsAnewWhenCategoriesSwapTheirBehaviour) {
  constexpr int kHour = 1800;  // requests; the half-life of what is known
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    const Recovery recovery =
        RecoveryFromSwap(TwoCategories(seed, 2), 100, 2 * kHour, 2 * kHour, kHour);

    EXPECT_GT(recovery.fresh, 0.25) << "seed " << seed;
    EXPECT_GT(recovery.recovered, recovery.fresh - 0.01) << "seed " << seed;
  }
}

// Two windows of the five minutes after which systems like this one refit; whether or not the swap
// falls on the border of a window of CategoryWindows.
TEST(ModelPolicy, RecoversInTenMinutesFromASwapThatItNotices) {
  constexpr int kPerWindow = 600;  // 300 s at two requests a second
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    for (const int offset : {0, 150, 300, 450}) {
      SCOPED_TRACE(absl::StrCat("seed ", seed, ", offset ", offset));

      const Recovery recovery = RecoveryFromSwap(TwoCategories(seed, 0.5), 400, 7200 + offset,
                                                 2 * kPerWindow, kPerWindow);

      EXPECT_GT(recovery.fresh, 0.25);
      EXPECT_GT(recovery.recovered, recovery.fresh - 0.01);
      EXPECT_GE(recovery.drifts, 1u);
    }
  }
}

TEST(ModelPolicy, CountsARequestOnceWhateverItNamesTwice) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 10);

  EXPECT_EQ(cache.Serve({1, 1, {1, 2, 3}}), 0u);
  const std::vector<BlockKey> ring = {KeyOfNumber(1), KeyOfNumber(2), KeyOfNumber(1)};
  policy.OnTouch({.now_ns = 2 * kSecondNs, .category = 1, .keys = ring});

  EXPECT_EQ(cache.Serve({3, 1, {1, 2, 3}}), 3u);
  EXPECT_EQ(policy.NextVictim(Tier::kDram, 4 * kSecondNs), KeyOfNumber(3));
}

TEST(ModelPolicy, PassesOverABlockUntilTheSkipsAreCleared) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 10);
  cache.Serve({1, 1, {1, 2}});
  cache.Serve({2, 1, {3}});

  policy.Skip(Tier::kDram, KeyOfNumber(2));
  EXPECT_EQ(policy.NextVictim(Tier::kDram, 3 * kSecondNs), KeyOfNumber(3));

  policy.ClearSkips();
  EXPECT_EQ(policy.NextVictim(Tier::kDram, 3 * kSecondNs), KeyOfNumber(2));
}

TEST(ModelPolicy, TakesABlockThatNobodyNamed) {
  ModelPolicy policy({});
  BlockFacts facts;
  facts.key = KeyOfNumber(7);
  facts.last_touch_ns = kSecondNs;

  policy.OnInsert(Tier::kSsd, facts);

  EXPECT_EQ(policy.NextVictim(Tier::kSsd, 2 * kSecondNs), KeyOfNumber(7));
  policy.OnRemove(Tier::kSsd, facts.key);
  EXPECT_EQ(policy.NextVictim(Tier::kSsd, 2 * kSecondNs), std::nullopt);
}

TEST(ModelPolicy, WritesWhatIsColdToSsdOnlyWhereThereIsRoom) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(7);
  HitRatio(&cache, &workload, 1, 1000);  // category 1 comes back, category 2 does not
  const std::vector<BlockKey> warm = {KeyOfNumber(1'000'001)}, cold = {KeyOfNumber(1'000'002)};
  BlockFacts facts;
  facts.last_touch_ns = 3000 * kSecondNs;
  policy.OnTouch({.now_ns = facts.last_touch_ns, .category = 1, .keys = warm});
  policy.OnTouch({.now_ns = facts.last_touch_ns, .category = 2, .keys = cold});
  facts.key = warm[0];
  policy.OnInsert(Tier::kSsd, facts);
  const int64_t later_ns = facts.last_touch_ns + kSecondNs;
  ASSERT_EQ(policy.NextVictim(Tier::kSsd, later_ns), warm[0]);
  facts.key = cold[0];

  EXPECT_FALSE(policy.AdmitToSsd(facts, /*has_room=*/false, later_ns));
  EXPECT_TRUE(policy.AdmitToSsd(facts, /*has_room=*/true, later_ns));
}

// The victim on SSD, after so many requests, of two blocks of a category that comes back: one is in
// DRAM as well, the other on SSD alone.
BlockKey SsdVictimBeside(int requests, bool keep_ssd_copies, const BlockKey& in_both,
                         const BlockKey& alone) {
  ModelPolicy policy({.keep_ssd_copies = keep_ssd_copies});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(7);
  HitRatio(&cache, &workload, 1, requests);
  BlockFacts facts;
  facts.last_touch_ns = 3000 * kSecondNs;
  policy.OnTouch({.now_ns = facts.last_touch_ns, .category = 1, .keys = {&in_both, 1}});
  policy.OnTouch({.now_ns = facts.last_touch_ns, .category = 1, .keys = {&alone, 1}});
  facts.key = in_both;
  policy.OnInsert(Tier::kDram, facts);
  policy.OnInsert(Tier::kSsd, facts);
  facts.key = alone;
  policy.OnInsert(Tier::kSsd, facts);
  return policy.NextVictim(Tier::kSsd, facts.last_touch_ns + kSecondNs).value();
}

TEST(ModelPolicy, TheCopyOfABlockInDramLeavesSsdFirstWhereItsRoomIsWorthAWrite) {
  const BlockKey in_both = KeyOfNumber(1'000'001), alone = KeyOfNumber(1'000'002);

  EXPECT_EQ(SsdVictimBeside(1000, /*keep_ssd_copies=*/false, in_both, alone), in_both);
  EXPECT_EQ(SsdVictimBeside(1000, /*keep_ssd_copies=*/true, in_both, alone), alone);
  EXPECT_EQ(SsdVictimBeside(1, /*keep_ssd_copies=*/false, in_both, alone),
            alone);  // nothing learnt
}

TEST(ModelPolicy, WithTheTimeObjectiveADeepBlockIsWorthMore) {
  ModelPolicy hits({.objective = RetentionObjective::kHits});
  ModelPolicy time({.objective = RetentionObjective::kTime});
  const std::vector<BlockKey> keys = {KeyOfNumber(1), KeyOfNumber(2), KeyOfNumber(3)};
  const TouchedChain chain{
      .now_ns = kSecondNs, .category = 1, .keys = keys, .block_tokens = 35'000};
  hits.OnTouch(chain);
  time.OnTouch(chain);

  const auto index_of = [](const ModelPolicy& policy, const BlockKey& key) {
    const std::optional<BlockStanding> standing = policy.StandingOf(key, 5 * kSecondNs);
    return standing ? standing->index : 0;
  };
  EXPECT_GT(index_of(hits, keys[0]), 0);
  EXPECT_DOUBLE_EQ(index_of(hits, keys[2]), index_of(hits, keys[0]));
  EXPECT_DOUBLE_EQ(index_of(time, keys[2]), 3 * index_of(time, keys[0]));
  EXPECT_EQ(index_of(hits, KeyOfNumber(9)), 0);
}

}  // namespace
}  // namespace halflife
