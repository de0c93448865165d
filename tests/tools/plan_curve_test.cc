#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/tools/listed_requests.h"
#include "tools/plan/backtest.h"
#include "tools/plan/capacity_curve.h"
#include "tools/plan/recency_curve.h"
#include "tools/plan/spatial_sample.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/simulation.h"

namespace halflife::tools {
namespace {

// `count` requests, one a second, each of one block; block b comes back after `period` seconds.
SimulatedTrace Cycle(uint64_t period, uint64_t count) {
  std::vector<uint64_t> blocks;
  for (uint64_t i = 0; i < count; ++i) blocks.push_back(1 + i % period);
  return TraceOf(Singles(blocks));
}

uint64_t LruHits(const SimulatedTrace& trace, size_t capacity) {
  const auto cache = MakeLruCache({.trace = &trace, .capacity_blocks = capacity});
  return Simulate(trace, *cache, false).hit_blocks;
}

TEST(RecencyCurve, CountsTheBlocksThatWereTouchedSince) {
  const SimulatedTrace trace = TraceOf(Singles({1, 2, 1, 3, 2, 2}));

  const RecencyCurve curve = ExactRecencyCurve(trace);

  EXPECT_EQ(curve.lookup_blocks(), 6);
  EXPECT_EQ(curve.HitsAt(0), 0);
  EXPECT_EQ(curve.HitsAt(1), 1);  // 2 after 2
  EXPECT_EQ(curve.HitsAt(2), 2);  // 1 after 2
  EXPECT_EQ(curve.HitsAt(3), 3);  // 2 after 1 and 3
  EXPECT_EQ(curve.HitsAt(100), 3);
}

TEST(RecencyCurve, IsWhatLruHitsAtEveryCapacityWhenChainsBranch) {
  const SimulatedTrace trace = TraceOf({{1, 2, 3, 4},
                                        {1, 2, 5},
                                        {9},
                                        {1, 2, 3, 4, 6},
                                        {1, 7},
                                        {1, 2, 3, 8},
                                        {9, 10},
                                        {1, 2, 5, 11}});

  const RecencyCurve curve = ExactRecencyCurve(trace);

  for (size_t capacity = 1; capacity <= trace.block_count(); ++capacity) {
    EXPECT_EQ(curve.HitsAt(capacity), LruHits(trace, capacity)) << capacity << " blocks";
  }
}

TEST(RecencyCurve, LeavesOutWhatACacheInFrontAbsorbed) {
  SimulatedTrace trace = TraceOf({{1, 2, 3}, {1, 2, 3}});
  trace.requests[1].absorbed = 2;

  const RecencyCurve curve = ExactRecencyCurve(trace);

  EXPECT_EQ(curve.lookup_blocks(), 4);
  EXPECT_EQ(curve.HitsAt(2), 0);
  EXPECT_EQ(curve.HitsAt(3), 1);
}

TEST(SpatialSample, OfAllBlocksIsTheTraceItself) {
  const SimulatedTrace trace = TraceOf({{1, 2, 3, 4}, {1, 2, 5}, {1, 2, 3, 4}});

  const SpatialSample sample = SampleBlocks(trace, 100, 1);
  const auto cache = MakeOptimalCache({.trace = &sample.trace, .capacity_blocks = 5});

  EXPECT_EQ(sample.rate, 1);
  EXPECT_EQ(sample.ScaledCapacity(3), 3u);
  EXPECT_DOUBLE_EQ(SampledHitRatio(sample, *cache), 6.0 / 11);
}

TEST(SpatialSample, KeepsAncestorsOfItsBlocksAndTheirOrder) {
  std::vector<uint64_t> chain;
  for (uint64_t block = 1; block <= 200; ++block) chain.push_back(block);
  const SimulatedTrace trace = TraceOf({chain, chain});

  const SpatialSample sample = SampleBlocks(trace, 50, 7);

  ASSERT_EQ(sample.trace.block_count(), 50u);
  EXPECT_EQ(sample.trace.parent[0], kNoBlock);
  for (uint32_t block = 1; block < 50; ++block) {
    EXPECT_EQ(sample.trace.parent[block], block - 1);
    EXPECT_LT(sample.trace.depth[block - 1], sample.trace.depth[block]);
  }
  EXPECT_DOUBLE_EQ(sample.rate, 0.25);
}

TEST(SpatialSample, CountsHotBlocksAsHeld) {
  // Block 1 begins every request, and has half of all references.
  std::vector<std::vector<uint64_t>> chains;
  for (uint64_t r = 0; r < 1000; ++r) chains.push_back({1, 2 + r});
  const SimulatedTrace trace = TraceOf(chains);

  const SpatialSample sample = SampleBlocks(trace, 100, 1);
  const RecencyCurve curve = WeightedRecencyCurve(sample.trace, sample.weights);

  EXPECT_EQ(sample.hot_blocks, 1u);
  EXPECT_EQ(sample.hot_hits, 999);
  EXPECT_NEAR(SampledRecencyRatio(sample, curve, 10), 999.0 / 2000, 1e-9);
}

TEST(CapacityCurve, OfACycleIsAStepAtItsLength) {
  const SimulatedTrace trace = Cycle(100, 4000);

  const ReuseClasses reuse = LearnReuseClasses(trace);
  const CapacityCurves curves = CurvesOf(reuse, Load::kTrace);

  // Every block is reused after 100 s, until which 100 others were touched: LRU needs room for
  // them, and no order that keeps blocks for part of the time does better. The age bin that 100 s
  // are in begins at 80 s and ends at 105 s.
  EXPECT_EQ(reuse.lookup_blocks, 4000);
  EXPECT_NEAR(curves.lru.At(75).hits, 0, 40);
  EXPECT_NEAR(curves.lru.At(106).hits, 3900, 40);
  EXPECT_LT(curves.clairvoyant.At(50).hits, 3900 * 0.7);
}

TEST(CapacityCurve, OfTheClairvoyantLeavesOutWhatNeverReturns) {
  // Every other request is for a block that never comes back; the rest come back after 20 s.
  std::vector<uint64_t> blocks;
  for (uint64_t i = 0; i < 4000; ++i) blocks.push_back(i % 2 == 0 ? 1 + i / 2 % 10 : 1000 + i);
  const SimulatedTrace trace = TraceOf(Singles(blocks));

  const ReuseClasses reuse = LearnReuseClasses(trace);
  const CapacityCurves curves = CurvesOf(reuse, Load::kTrace);
  const double all = 0.95 * 1990;

  // 10 blocks by Little's law: half a reference a second, for 20 s. LRU keeps the others as well.
  EXPECT_NEAR(curves.clairvoyant.CapacityFor(all, 4000), 10, 3);
  EXPECT_NEAR(curves.lru.CapacityFor(all, 4000), 20, 6);
  EXPECT_LE(curves.HalflifeCapacityFor(all, 4000), curves.lru.CapacityFor(all, 4000));
}

TEST(CapacityCurve, HasThePriceOfTheNextBlockAsItsSlope) {
  const SimulatedTrace trace = Cycle(100, 4000);
  const CapacityCurves curves = CurvesOf(LearnReuseClasses(trace), Load::kTrace);

  const ExpectedHits at = curves.lru.At(90);
  const ExpectedHits above = curves.lru.At(90.001);

  EXPECT_GT(at.hits_per_block, 1);
  EXPECT_NEAR((above.hits - at.hits) / .001, at.hits_per_block, .01 * at.hits_per_block);
  EXPECT_EQ(curves.lru.At(1e6).hits_per_block, 0);
}

TEST(CapacityCurve, GivesNoCapacityForMoreHitsThanThereAre) {
  const CapacityCurves curves = CurvesOf(LearnReuseClasses(Cycle(10, 400)), Load::kTrace);

  EXPECT_LT(curves.lru.CapacityFor(400, 10), 0);
  EXPECT_LT(curves.HalflifeCapacityFor(400, 10), 0);
}

TEST(CapacityCurve, HasNoColdStartUnderSteadyLoad) {
  // The first of ten rounds misses.
  const ReuseClasses reuse = LearnReuseClasses(Cycle(400, 4000));

  const double trace_hits = CurvesOf(reuse, Load::kTrace).lru.At(1000).hits;
  const double steady_hits = CurvesOf(reuse, Load::kSteady).lru.At(1000).hits;

  EXPECT_NEAR(trace_hits, 3600, 40);
  EXPECT_GT(steady_hits, trace_hits + 200);
}

TEST(Backtest, SaysHowFarTheCurveIsFromTheSimulator) {
  const SimulatedTrace trace = Cycle(100, 4000);
  const ReuseClasses reuse = LearnReuseClasses(trace);

  const Backtest backtest = RunBacktest(trace, reuse, {{"a daemon", 200, 0.9}}, 1);

  ASSERT_EQ(backtest.errors.size(), 2u);
  EXPECT_EQ(backtest.errors[0].policy, "model");
  EXPECT_EQ(backtest.errors[1].policy, "lru");
  ASSERT_EQ(backtest.observed.size(), 1u);
  EXPECT_EQ(backtest.observed[0].observed, 0.9);
  EXPECT_GT(backtest.observed[0].predicted, 0.95);
  for (const BacktestRow& row : backtest.rows) {
    if (row.policy != "lru") continue;
    EXPECT_NEAR(row.predicted, row.simulated, .02) << row.capacity;
  }
}

}  // namespace
}  // namespace halflife::tools
