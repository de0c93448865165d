#include "storage/residency/model/shadowed_policy.h"

#include <gtest/gtest.h>

#include "storage/residency/policy_factory.h"
#include "tests/storage/residency/chat_trace.h"
#include "tests/storage/residency/two_categories.h"

namespace halflife {
namespace {

using Kind = ResidencyPolicyOptions::Kind;

std::unique_ptr<ResidencyPolicy> Shadowed(const ResidencyPolicyOptions& live,
                                          const ResidencyPolicyOptions& candidate,
                                          size_t sample_blocks) {
  std::vector<ShadowedPolicy::Candidate> candidates;
  candidates.push_back({"candidate", MakeResidencyPolicy(candidate)});
  return std::make_unique<ShadowedPolicy>(MakeResidencyPolicy(live), std::move(candidates),
                                          sample_blocks);
}

// Of the whole trace under one policy.
double HitRatio(ResidencyPolicy* policy, const std::vector<TestRequest>& trace, size_t capacity) {
  PolicyCache cache(policy, capacity);
  size_t hits = 0, blocks = 0;
  for (const TestRequest& request : trace) {
    hits += cache.Serve(request);
    blocks += request.blocks.size();
  }
  return static_cast<double>(hits) / static_cast<double>(blocks);
}

TEST(ShadowedPolicy, SaysWhatTheModelWouldGainOverRecency) {
  const auto policy = Shadowed({.kind = Kind::kLru}, {.kind = Kind::kModel}, 1 << 20);
  PolicyCache cache(policy.get(), 100);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, 1, 3600);

  const ModelReport report = policy->Report(7200 * kSecondNs);

  EXPECT_FALSE(report.has_model);  // the live one has none
  ASSERT_EQ(report.shadows.size(), 1u);
  const ShadowReport& shadow = report.shadows[0];
  EXPECT_EQ(shadow.name, "candidate");
  EXPECT_EQ(shadow.sample_rate, 1);
  EXPECT_GT(shadow.gain(), 0.05);
  EXPECT_GT(shadow.recent_shadow_hit_ratio, shadow.recent_live_hit_ratio + 0.05);
}

TEST(ShadowedPolicy, ACandidateLikeTheLiveOneGainsNothing) {
  const auto policy = Shadowed({.kind = Kind::kLru}, {.kind = Kind::kLru}, 1 << 20);
  PolicyCache cache(policy.get(), 100);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, 1, 3600);

  const ShadowReport shadow = policy->Report(7200 * kSecondNs).shadows[0];

  EXPECT_GT(shadow.blocks, 10'000u);
  EXPECT_EQ(shadow.shadow_hits, shadow.live_hits);
}

TEST(ShadowedPolicy, LeavesTheLiveOneAsItIs) {
  const auto alone = MakeResidencyPolicy({.kind = Kind::kModel});
  const auto shadowed = Shadowed({.kind = Kind::kModel}, {.kind = Kind::kLru}, 50);
  PolicyCache cache_alone(alone.get(), 100), cache_shadowed(shadowed.get(), 100);
  TwoCategories one(5), two(5);

  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(cache_alone.Serve(one.Next(1)), cache_shadowed.Serve(two.Next(1))) << i;
  }
}

TEST(ShadowedPolicy, TakesASmallerSampleOfALargerCacheAndStaysWithinIt) {
  const auto policy = Shadowed({.kind = Kind::kLru}, {.kind = Kind::kModel}, 50);
  PolicyCache cache(policy.get(), 1000);
  TwoCategories workload(5);
  HitRatio(&cache, &workload, 1, 3600);

  const ShadowReport shadow = policy->Report(7200 * kSecondNs).shadows[0];

  EXPECT_LE(shadow.sample_rate, 1.0 / 16);
  EXPECT_LT(shadow.blocks, 28'800 / 8);
}

TEST(ShadowedPolicy, ForgetsWhatIsDeletedAndCountsBothTiers) {
  const auto policy = Shadowed({.kind = Kind::kLru}, {.kind = Kind::kLru}, 1 << 20);
  BlockFacts facts;
  for (uint64_t block = 1; block <= 4; ++block) {
    facts.key = KeyOfNumber(block);
    const std::vector<BlockKey> keys = {facts.key};
    facts.last_touch_ns = static_cast<int64_t>(block) * kSecondNs;
    policy->OnTouch({.now_ns = facts.last_touch_ns, .keys = keys});
    policy->OnInsert(Tier::kDram, facts);
  }
  policy->OnInsert(Tier::kSsd, facts);
  policy->OnRemove(Tier::kDram, facts.key);  // is still on SSD
  policy->OnRemove(Tier::kDram, KeyOfNumber(1));

  const std::vector<BlockKey> gone = {KeyOfNumber(1)}, on_ssd = {KeyOfNumber(4)};
  policy->OnTouch({.now_ns = 5 * kSecondNs, .keys = gone});  // and takes block 1 again
  policy->OnTouch({.now_ns = 6 * kSecondNs, .keys = on_ssd});
  policy->OnTouch({.now_ns = 7 * kSecondNs, .keys = gone});  // which the live one was never given

  const ShadowReport shadow = policy->Report(8 * kSecondNs).shadows[0];
  EXPECT_EQ(shadow.blocks, 3u);
  EXPECT_EQ(shadow.live_hits, 1u);
  EXPECT_EQ(shadow.shadow_hits, 2u);
}

// The predicted gain against what the candidate gains where it is live, over the whole trace.
TEST(ShadowedPolicy, PredictsTheGainOfTheModelOnTheChatTraceWithinAPoint) {
  const std::vector<TestRequest> trace = ReadChatTrace(SIZE_MAX);
  if (trace.empty()) GTEST_SKIP() << kChatTrace << " is not here";
  constexpr size_t kCapacity = 8500;  // 5 % of the unique blocks
  const auto lru = MakeResidencyPolicy({.kind = Kind::kLru});
  const auto model = MakeResidencyPolicy({.kind = Kind::kModel});
  const double gain =
      HitRatio(model.get(), trace, kCapacity) - HitRatio(lru.get(), trace, kCapacity);

  for (const size_t sample_blocks : {size_t{1} << 20, size_t{4500}}) {
    const auto policy = Shadowed({.kind = Kind::kLru}, {.kind = Kind::kModel}, sample_blocks);
    HitRatio(policy.get(), trace, kCapacity);
    const ShadowReport shadow = policy->Report(0).shadows[0];
    EXPECT_NEAR(shadow.gain(), gain, 0.01) << "sample rate " << shadow.sample_rate;
  }
}

TEST(PolicyFactory, ReadsShadowPolicies) {
  const auto shadows =
      ParseShadowPolicies(" lru, model:objective=time:duel=off:refit=120 ,wa:life=5");

  ASSERT_TRUE(shadows.ok()) << shadows.status();
  ASSERT_EQ(shadows->size(), 3u);
  EXPECT_EQ((*shadows)[0].policy.kind, Kind::kLru);
  EXPECT_EQ((*shadows)[1].name, "model:objective=time:duel=off:refit=120");
  EXPECT_EQ((*shadows)[1].policy.objective, RetentionObjective::kTime);
  EXPECT_FALSE((*shadows)[1].policy.duel);
  EXPECT_EQ((*shadows)[1].policy.refit_period_s, 120);
  EXPECT_EQ((*shadows)[2].policy.wa_life_s, 5);
  EXPECT_TRUE(ParseShadowPolicies("")->empty());
  EXPECT_EQ(MakeResidencyPolicy({}, *shadows)->Report(0).shadows.size(), 3u);
}

TEST(PolicyFactory, RefusesShadowPoliciesThatItDoesNotKnowOrThatAreTooMany) {
  EXPECT_EQ(ParseShadowPolicies("lru,lru,lru,lru")->size(), 4u);
  for (const char* list :
       {"fifo", "lru:duel=on", "model:duel=maybe", "model:refit=0.5", "model:refit=3601",
        "wa:life=", "model:objective=joy", "model:", "lru,lru,lru,lru,lru"}) {
    EXPECT_EQ(ParseShadowPolicies(list).status().code(), absl::StatusCode::kInvalidArgument)
        << list;
  }
}

}  // namespace
}  // namespace halflife
