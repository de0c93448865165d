#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "tests/tools/listed_requests.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policy_registry.h"
#include "tools/workload/random.h"

namespace halflife::tools {
namespace {

using testing::ElementsAre;

CacheSetup CacheOf(const SimulatedTrace& trace, size_t capacity) {
  return {.trace = &trace, .capacity_blocks = capacity, .dram_blocks = capacity};
}

// Hits of every request.
std::vector<size_t> Serve(const SimulatedTrace& trace, SimulatedCache& cache) {
  std::vector<size_t> hits;
  for (const auto& request : trace.requests) hits.push_back(cache.Serve(trace.View(request)));
  return hits;
}

std::vector<size_t> HitsOf(const char* policy, size_t capacity,
                           const std::vector<std::vector<uint64_t>>& chains) {
  const SimulatedTrace trace = TraceOf(chains);
  const auto cache = FindPolicy(policy).value()->make(CacheOf(trace, capacity));
  return Serve(trace, *cache);
}

size_t TotalHits(const char* policy, size_t capacity,
                 const std::vector<std::vector<uint64_t>>& chains) {
  size_t total = 0;
  for (const size_t hits : HitsOf(policy, capacity, chains)) total += hits;
  return total;
}

TEST(SimulatedLru, EvictsWhatWasUsedLongestAgo) {
  EXPECT_THAT(HitsOf("lru", 2, Singles({1, 2, 1, 3, 1, 2})), ElementsAre(0, 0, 1, 0, 1, 0));
}

TEST(SimulatedLru, LosesTheTailOfAChainBeforeItsHead) {
  EXPECT_THAT(HitsOf("lru", 3, {{1, 2, 3}, {4}, {1, 2, 3}}), ElementsAre(0, 0, 2));
}

TEST(SimulatedLru, KeepsTheHeadOfAChainThatIsLongerThanTheCache) {
  EXPECT_THAT(HitsOf("lru", 2, {{1, 2, 3, 4}, {1, 2, 3, 4}}), ElementsAre(0, 2));
}

TEST(SimulatedFifo, DoesNotCareForHits) {
  EXPECT_THAT(HitsOf("fifo", 2, Singles({1, 2, 1, 3, 1})), ElementsAre(0, 0, 1, 0, 0));
}

TEST(SimulatedLfu, KeepsWhatWasUsedMostOftenForGood) {
  EXPECT_THAT(HitsOf("lfu", 2, Singles({1, 1, 2, 3, 1, 2})), ElementsAre(0, 1, 0, 0, 1, 0));
  EXPECT_THAT(HitsOf("lfu", 2, Singles({1, 1, 2, 3, 4, 3, 1})), ElementsAre(0, 1, 0, 0, 0, 0, 1));
}

TEST(SimulatedGdfs, AgesWhatIsNotUsedAnyMore) {
  const SimulatedTrace trace = TraceOf(Singles({1, 1, 2, 3, 4, 3, 1}));
  const auto cache = MakeGdfsCache(CacheOf(trace, 2));

  // Priorities: 1 has 2 when 4 comes; 3, inserted at clock 1, has 2 as well and is younger.
  EXPECT_THAT(Serve(trace, *cache), ElementsAre(0, 1, 0, 0, 0, 1, 0));
}

TEST(SimulatedGdfs, KeepsWhatIsDearToRecomputeAndABlockWithoutItsHeadIsNoHit) {
  // At 35,000 tokens a block, the second block of a chain costs twice the first.
  const SimulatedTrace trace = TraceOf({{1, 2}, {3}, {1, 2}}, 35'000);
  CacheSetup setup = CacheOf(trace, 2);
  setup.objective = Objective::kTime;
  const auto cache = MakeGdfsCache(setup);

  cache->Serve(trace.View(trace.requests[0]));
  cache->Serve(trace.View(trace.requests[1]));

  EXPECT_FALSE(cache->Holds(0));
  EXPECT_TRUE(cache->Holds(1));
  EXPECT_EQ(cache->Serve(trace.View(trace.requests[2])), 0u);
}

TEST(SimulatedSieve, TheHandPassesWhatWasVisitedAndStaysWhereItIs) {
  EXPECT_THAT(HitsOf("sieve", 3, Singles({1, 2, 3, 1, 4, 5, 6, 1})),
              ElementsAre(0, 0, 0, 1, 0, 0, 0, 1));
}

TEST(SimulatedS3Fifo, AScanDoesNotReachTheMainQueue) {
  std::vector<uint64_t> blocks = {1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  blocks.push_back(2);  // a ghost by now: goes to the main queue at once
  for (uint64_t scanned = 12; scanned <= 30; ++scanned) blocks.push_back(scanned);
  blocks.insert(blocks.end(), {1, 2});

  const std::vector<size_t> hits = HitsOf("s3-fifo", 10, Singles(blocks));

  EXPECT_EQ(std::count(hits.begin(), hits.end(), 1), 4);  // 1 twice in the beginning, 1 and 2
  EXPECT_EQ(hits[hits.size() - 2], 1u);
  EXPECT_EQ(hits[hits.size() - 1], 1u);
}

TEST(SimulatedArc, AGhostHitMovesTheTarget) {
  EXPECT_THAT(HitsOf("arc", 2, Singles({1, 2, 1, 3, 2, 3, 1})), ElementsAre(0, 0, 1, 0, 0, 1, 0));
}

TEST(SimulatedLirs, AShortReuseDistanceMakesABlockResident) {
  EXPECT_THAT(HitsOf("lirs", 3, Singles({1, 2, 3, 4, 3, 1, 5, 2})),
              ElementsAre(0, 0, 0, 0, 0, 1, 0, 1));
}

TEST(SimulatedWTinyLfu, AdmitsOnlyWhatWasUsedMoreOftenThanItsVictim) {
  EXPECT_THAT(HitsOf("w-tinylfu", 3, Singles({1, 2, 3, 1, 4, 3, 5, 3, 1})),
              ElementsAre(0, 0, 0, 1, 0, 0, 0, 1, 1));
}

TEST(SimulatedLhd, LearnsToKeepWhatIsReusedInAScan) {
  // 32 hot blocks in turn, 3 blocks that never come back between two of them: reuse distance 128.
  std::vector<uint64_t> blocks;
  uint64_t scanned = 1000;
  for (int i = 0; i < 10'000; ++i) {
    blocks.push_back(static_cast<uint64_t>(i % 32));
    for (int j = 0; j < 3; ++j) blocks.push_back(scanned++);
  }

  EXPECT_EQ(TotalHits("lru", 64, Singles(blocks)), 0u);
  EXPECT_GT(TotalHits("lhd", 64, Singles(blocks)), 5'000u);
}

TEST(InfiniteCache, HitsEverythingThatWasEverSeen) {
  EXPECT_THAT(HitsOf("infinite", 1, {{1, 2, 3}, {4}, {1, 2, 5}, {1, 2, 5}}),
              ElementsAre(0, 0, 2, 3));
}

TEST(OfflineOptimum, KeepsWhatIsUsedNextAndNothingThatIsNotUsedAgain) {
  // 4 is never used again: it does not displace 1 or 2. 2 is used before 1.
  EXPECT_THAT(HitsOf("optimum", 2, Singles({1, 2, 4, 2, 1})), ElementsAre(0, 0, 0, 1, 1));
  // Room for one: 2 is used first.
  EXPECT_THAT(HitsOf("optimum", 1, Singles({1, 2, 4, 2, 1})), ElementsAre(0, 0, 0, 1, 0));
}

TEST(OfflineOptimum, GivesUpTheTailWhereAChainHasOneNextUse) {
  EXPECT_THAT(HitsOf("optimum", 2, {{1, 2, 3}, {1, 2, 3}}), ElementsAre(0, 2));
}

// The most hits by trying every set of blocks after every request.
size_t BestByTrial(const SimulatedTrace& trace, size_t capacity) {
  std::map<uint32_t, size_t> best = {{0, 0}};  // by set of held blocks
  for (const auto& request : trace.requests) {
    const auto blocks = trace.BlocksOf(request);
    std::map<uint32_t, size_t> next;
    for (const auto& [held, hits] : best) {
      size_t prefix = 0;
      while (prefix < blocks.size() && (held >> blocks[prefix] & 1) != 0) ++prefix;
      uint32_t offered = held;
      for (const uint32_t block : blocks) offered |= 1u << block;
      for (uint32_t kept = offered;; kept = (kept - 1) & offered) {
        if (static_cast<size_t>(__builtin_popcount(kept)) <= capacity) {
          size_t& value = next[kept];
          value = std::max(value, hits + prefix);
        }
        if (kept == 0) break;
      }
    }
    best = std::move(next);
  }
  size_t most = 0;
  for (const auto& [held, hits] : best) most = std::max(most, hits);
  return most;
}

TEST(OfflineOptimum, IsTheBestThatTrialFinds) {
  Random random(7);
  for (int round = 0; round < 60; ++round) {
    // Paths in a binary tree of depth 3: blocks 1, 2-3, 4-7 under one root or another.
    std::vector<std::vector<uint64_t>> chains;
    for (int i = 0; i < 8; ++i) {
      uint64_t node = 1 + random.Below(2) * 10;
      std::vector<uint64_t> chain = {node};
      const uint64_t length = random.Below(3);
      for (uint64_t d = 0; d < length; ++d) {
        node = node * 2 + random.Below(2);
        chain.push_back(node);
      }
      chains.push_back(chain);
    }
    const SimulatedTrace trace = TraceOf(chains);
    for (const size_t capacity : {1u, 2u, 4u}) {
      const auto cache = MakeOptimalCache(CacheOf(trace, capacity));
      size_t hits = 0;
      for (const size_t h : Serve(trace, *cache)) hits += h;

      EXPECT_EQ(hits, BestByTrial(trace, capacity)) << "round " << round << ", " << capacity;
    }
  }
}

}  // namespace
}  // namespace halflife::tools
