#include "storage/residency/model/model_report.h"

#include <gtest/gtest.h>

#include "storage/residency/model/model_policy.h"
#include "storage/residency/policy_factory.h"
#include "tests/storage/residency/two_categories.h"

namespace halflife {
namespace {

constexpr int64_t kHourNs = 3600 * kSecondNs;

TEST(ModelReport, SaysOfEachCategoryHowItIsUsedAgain) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, /*kept=*/1, 1800);  // an hour

  const ModelReport report = policy.Report(kHourNs);

  EXPECT_TRUE(report.has_model);
  EXPECT_EQ(report.state, ModelState::kServing);
  EXPECT_GT(report.observed_reuses, kModelCalibratingReuses);
  EXPECT_LE(report.fit_age_s, 30);
  ASSERT_EQ(report.categories.size(), 2u);
  const CategoryReport& kept = report.categories[0];
  const CategoryReport& other = report.categories[1];
  EXPECT_EQ(kept.category, 1);
  EXPECT_EQ(kept.state, ModelState::kServing);
  // A session of the kept category is two requests: it comes back after the first.
  EXPECT_NEAR(kept.reuse.reuse_probability, 0.5, 0.05);
  EXPECT_NEAR(kept.reuse.half_life_s, 40, 8);
  EXPECT_FALSE(kept.reuse.uses_exponential);  // nothing comes back before 30 s
  EXPECT_GT(kept.multiplier, 2 * other.multiplier);
  EXPECT_EQ(other.reuse.reuse_probability, 0);
  EXPECT_GT(other.requests, 400);
}

TEST(ModelReport, ACategoryServesOnceItWasSeenOftenEnough) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  const auto serve = [&](int requests) {
    for (int i = 0; i < requests; ++i) cache.Serve({10, 3, {static_cast<uint64_t>(i)}});
    return policy.Report(10 * kSecondNs).categories.at(0).state;
  };

  EXPECT_EQ(serve(29), ModelState::kCalibrating);
  EXPECT_EQ(serve(1), ModelState::kServing);
}

TEST(ModelReport, IsStaleAfterAnHourWithoutARequest) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, 1, 900);  // until 1,800 s
  const int64_t last_ns = 1800 * kSecondNs;

  EXPECT_EQ(policy.Report(last_ns + kHourNs).state, ModelState::kServing);
  const ModelReport stale = policy.Report(last_ns + kHourNs + kSecondNs);

  EXPECT_EQ(stale.state, ModelState::kStale);
  EXPECT_EQ(stale.categories.at(0).state, ModelState::kStale);
  EXPECT_EQ(NameOf(stale.state), "stale");
}

TEST(ModelReport, SaysWhoLeadsAndWhatBothHit) {
  ModelPolicy policy({});
  PolicyCache cache(&policy, 100);
  TwoCategories workload(5);
  EXPECT_FALSE(policy.Report(0).duels[0].fights);

  HitRatio(&cache, &workload, 1, 3600);
  const DuelReport duel = policy.Report(2 * kHourNs).duels[0];

  EXPECT_TRUE(duel.fights);
  EXPECT_TRUE(duel.model_leads);
  EXPECT_GT(duel.model_hit_ratio, 1.2 * duel.recency_hit_ratio);
  EXPECT_LT(duel.model_hit_ratio, 0.5);
  EXPECT_EQ(duel.sample_rate, 1);
}

TEST(ModelReport, OfAPolicyWithoutAModelSaysSo) {
  const auto policy = MakeResidencyPolicy({.kind = ResidencyPolicyOptions::Kind::kLru});

  EXPECT_FALSE(policy->Report(0).has_model);
}

}  // namespace
}  // namespace halflife
