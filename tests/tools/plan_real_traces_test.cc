#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string>

#include "tools/plan/backtest.h"
#include "tools/plan/recency_curve.h"
#include "tools/plan/spatial_sample.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/simulation.h"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {
namespace {

// Tests run in the root of the repository; the traces are not part of it.
constexpr char kMooncake[] = "../shared/traces/mooncake_conversation.jsonl";
constexpr char kAgents[] = "../shared/traces/agents.ct.gz";
constexpr uint64_t kSeeds = 5;

class PlanOnRealTraces : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (access(GetParam(), R_OK) != 0) GTEST_SKIP() << GetParam() << " is not there: skipped";
    auto reader = TraceReader::Open(GetParam());
    ASSERT_TRUE(reader.ok()) << reader.status();
    trace_ = LoadSimulatedTrace(**reader).value();
  }

  size_t Blocks(double share) const {
    return static_cast<size_t>(std::llround(share * static_cast<double>(trace_.block_count())));
  }

  SimulatedTrace trace_;
};

TEST_P(PlanOnRealTraces, TheCurveIsWithinTwoAndAHalfPointsOfTheSimulator) {
  const Backtest backtest = RunBacktest(trace_, LearnReuseClasses(trace_), {}, 2);

  ASSERT_EQ(backtest.errors.size(), 2u);
  for (const BacktestError& error : backtest.errors) {
    EXPECT_LE(error.mean_absolute, .025) << error.policy;
    RecordProperty(error.policy + "_mean_absolute_error", std::to_string(error.mean_absolute));
  }
}

TEST_P(PlanOnRealTraces, TheExactRecencyCurveIsWhatLruHits) {
  const RecencyCurve curve = ExactRecencyCurve(trace_);

  for (const double share : {.005, .02, .1, .5}) {
    const auto cache = MakeLruCache({.trace = &trace_, .capacity_blocks = Blocks(share)});
    const auto hits = static_cast<double>(Simulate(trace_, *cache, false).hit_blocks);
    EXPECT_EQ(curve.HitsAt(Blocks(share)), hits) << share;
  }
}

TEST_P(PlanOnRealTraces, TheCurveOf8192SampledBlocksIsWithinHalfAPoint) {
  const RecencyCurve exact = ExactRecencyCurve(trace_);
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    const SpatialSample sample = SampleBlocks(trace_, 8192, seed);
    const RecencyCurve sampled = WeightedRecencyCurve(sample.trace, sample.weights);

    // Evenly spaced in the logarithm, where small capacities count as much as large ones.
    double error = 0;
    int points = 0;
    for (double share = .002; share <= 1; share *= 1.15, ++points) {
      error += std::abs(SampledRecencyRatio(sample, sampled, Blocks(share)) -
                        exact.HitRatioAt(Blocks(share)));
    }

    EXPECT_LE(error / points, .005) << "seed " << seed;
  }
}

TEST_P(PlanOnRealTraces, TheSampledOptimumIsWithinAPointOfTheExactOne) {
  for (const double share : {.005, .01, .02, .05, .1, .2}) {
    const auto whole = MakeOptimalCache({.trace = &trace_, .capacity_blocks = Blocks(share)});
    const double exact = Simulate(trace_, *whole, false).hit_ratio();
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      const SpatialSample sample = SampleBlocks(trace_, 16384, seed);
      const auto cache = MakeOptimalCache(
          {.trace = &sample.trace, .capacity_blocks = sample.ScaledCapacity(Blocks(share))});

      EXPECT_NEAR(SampledHitRatio(sample, *cache), exact, .01) << share << ", seed " << seed;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Traces, PlanOnRealTraces, testing::Values(kMooncake, kAgents),
                         [](const auto& info) {
                           return std::string(info.index == 0 ? "Mooncake" : "Agents");
                         });

}  // namespace
}  // namespace halflife::tools
