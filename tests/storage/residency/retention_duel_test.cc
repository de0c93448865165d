#include "storage/residency/model/retention_duel.h"

#include <gtest/gtest.h>

#include <random>

#include "storage/residency/policy_factory.h"
#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

// A table that gives group 1 up before group 0, whatever their age.
HazardFit AgainstGroupOne() {
  HazardFit fit;
  fit.base[0].fill(1);
  fit.base[1].fill(1e-6);
  return fit;
}

SampledBlock Block(uint64_t id, uint8_t group) {
  return {.id = id, .value = 1, .group = group, .level = LevelOfMultiplier(1)};
}

// Ten blocks of `group` that come round and round, and among them others that never come back.
class RoundRobin {
 public:
  void Serve(RetentionDuel* duel, uint8_t group, int minutes) {
    for (int second = 0; second < 60 * minutes; ++second) {
      now_ns_ += kSecondNs;
      const std::vector<SampledBlock> known = {Block(1 + ++turn_ % 10, group)};
      duel->Serve(known, now_ns_);
      const std::vector<SampledBlock> news = {Block(1000 + turn_, static_cast<uint8_t>(1 - group))};
      duel->Serve(news, now_ns_);
    }
  }

 private:
  int64_t now_ns_ = 0;
  uint64_t turn_ = 0;
};

TEST(RetentionDuel, FollowsRecencyWhileTheModelLosesAndTheModelAgainWhenItWins) {
  RetentionTable table;
  table.Refresh(AgainstGroupOne());
  RetentionDuel duel(&table);
  duel.SetCapacity(20);
  RoundRobin workload;

  workload.Serve(&duel, 1, 10);
  EXPECT_FALSE(duel.model_leads());

  workload.Serve(&duel, 0, 60);  // the round needs 20 blocks under recency, which has them as well
  EXPECT_EQ(duel.stats().switches, 1u);

  duel.SetCapacity(12);  // and now only under the model
  workload.Serve(&duel, 0, 60);
  EXPECT_TRUE(duel.model_leads());
  EXPECT_EQ(duel.stats().switches, 2u);
}

TEST(RetentionDuel, DoesNotSwitchOnATie) {
  const RetentionTable table;  // knows nothing: its order is recency's
  RetentionDuel duel(&table);
  duel.SetCapacity(5);
  std::mt19937_64 random(1);

  for (int64_t second = 0; second < 20'000; ++second) {
    duel.Serve(std::vector<SampledBlock>{Block(1 + random() % 12, random() % 2)},
               second * kSecondNs);
  }

  EXPECT_TRUE(duel.model_leads());
  EXPECT_EQ(duel.stats().switches, 0u);
  EXPECT_DOUBLE_EQ(duel.stats().model_hits, duel.stats().recency_hits);
}

TEST(RetentionDuel, SamplesLessOfALargerCache) {
  const RetentionTable table;
  RetentionDuel duel(&table);

  duel.SetCapacity(RetentionDuel::kSampleBlocks);
  EXPECT_EQ(duel.stats().sample_rate, 1);
  duel.SetCapacity(100 * RetentionDuel::kSampleBlocks);
  EXPECT_NEAR(duel.stats().sample_rate, 1.0 / 64, 1e-9);
  EXPECT_FALSE(duel.Samples(UINT64_MAX));
  EXPECT_TRUE(duel.Samples(1));
  duel.SetCapacity(100);
  EXPECT_EQ(duel.stats().sample_rate, 1);
}

TEST(MiniatureCache, KeepsPrefixesWholeAndItsCapacity) {
  RetentionTable table;
  table.Refresh(AgainstGroupOne());
  MiniatureCache cache(MiniatureCache::Order::kModel, &table);
  cache.set_capacity(5);
  // The head is what the model likes least.
  const std::vector<SampledBlock> chain = {Block(1, 1), Block(2, 0), Block(3, 0), Block(4, 0)};

  EXPECT_EQ(cache.Serve(chain, 0), 0);
  EXPECT_EQ(cache.Serve(chain, 1), 4);
  cache.Serve(std::vector<SampledBlock>{Block(7, 0), Block(8, 0), Block(9, 0)}, 2);

  EXPECT_EQ(cache.size(), 5u);
  EXPECT_EQ(cache.Serve(chain, 3), 2);
  cache.Clear();
  EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace halflife
