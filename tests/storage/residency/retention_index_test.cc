#include "storage/residency/model/retention_index.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace halflife {
namespace {

// The best ratio over stopping times, by numerical integration of survival in small steps.
double BruteForceIndex(const std::array<double, kAgeBins>& hazard, int from_bin) {
  double best = 0;
  double survival = 1, reuses = 0, seconds = 0;
  for (int bin = from_bin; bin < kAgeBins; ++bin) {
    constexpr int kSteps = 4000;
    const double step_s = AgeBinWidthS(bin) / kSteps;
    for (int i = 0; i < kSteps; ++i) {
      const double next = survival * (1 - hazard[bin] * step_s);
      reuses += survival - next;
      seconds += (survival + next) / 2 * step_s;
      survival = next;
    }
    best = std::max(best, reuses / seconds);
  }
  return best;
}

TEST(RetentionIndex, IsTheBestRatioOverAllStoppingTimes) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 20; ++round) {
    std::array<double, kAgeBins> hazard;
    for (int bin = 0; bin < kAgeBins; ++bin) {
      const double per_bin = std::exp(std::uniform_real_distribution<double>(-5, 0)(random));
      hazard[bin] = per_bin / AgeBinWidthS(bin);
    }

    const std::array<double, kAgeBins> index = RetentionIndexOf(hazard);

    for (int bin = 0; bin < kAgeBins; bin += 5) {
      EXPECT_NEAR(index[bin] / BruteForceIndex(hazard, bin), 1, 0.01) << round << ' ' << bin;
    }
  }
}

TEST(RetentionIndex, IsTheHazardItselfWhereThatFalls) {
  std::array<double, kAgeBins> hazard;
  for (int bin = 0; bin < kAgeBins; ++bin) hazard[bin] = 1.0 / (1 + kAgeEdgesS[bin]);

  const std::array<double, kAgeBins> index = RetentionIndexOf(hazard);

  for (int bin = 0; bin < kAgeBins; ++bin) EXPECT_NEAR(index[bin], hazard[bin], 1e-9) << bin;
}

TEST(RetentionIndex, SeesAModeBehindADeadTime) {
  std::array<double, kAgeBins> hazard;
  hazard.fill(1e-5);
  for (int bin = AgeBinOf(8); bin < AgeBinOf(15); ++bin) hazard[bin] = 0.3;

  const std::array<double, kAgeBins> index = RetentionIndexOf(hazard);

  EXPECT_GT(index[0], 0.05);                // wait for it
  EXPECT_GT(index[AgeBinOf(6)], index[0]);  // the more so the nearer it is
  EXPECT_LT(index[AgeBinOf(20)], 1e-4);     // and not after it
  EXPECT_NEAR(index[AgeBinOf(8)], hazard[AgeBinOf(8)], 1e-9);
}

TEST(RetentionTable, InterpolatesBetweenTheBeginningsOfBins) {
  HazardFit fit;
  for (int bin = 0; bin < kAgeBins; ++bin) fit.base[3][bin] = 1.0 / (1 + kAgeEdgesS[bin]);
  RetentionTable table;

  table.Refresh(fit);

  const int neutral = LevelOfMultiplier(1);
  EXPECT_NEAR(table.IndexOf(3, neutral, 0), 1.0, 1e-6);
  EXPECT_NEAR(table.IndexOf(3, neutral, 0.05), (1 + 1 / 1.1) / 2, 1e-6);
  EXPECT_NEAR(table.IndexOf(3, neutral, 0.1), 1 / 1.1, 1e-6);
  EXPECT_NEAR(table.IndexOf(3, neutral, 1e9), 1 / 8001.0, 1e-9);
}

TEST(RetentionTable, KnowsNoDifferenceBeforeItHasLearnt) {
  const RetentionTable table;

  EXPECT_FLOAT_EQ(static_cast<float>(table.IndexOf(0, 20, 0)),
                  static_cast<float>(table.IndexOf(30, 20, 5000)));
}

TEST(MultiplierLevel, IsTheNearestPowerOfItsStepAndBounded) {
  EXPECT_DOUBLE_EQ(MultiplierOfLevel(LevelOfMultiplier(1)), 1);
  EXPECT_DOUBLE_EQ(MultiplierOfLevel(LevelOfMultiplier(1.3)), kMultiplierStep);
  EXPECT_EQ(LevelOfMultiplier(1e-30), 0);
  EXPECT_EQ(LevelOfMultiplier(1e30), kMultiplierLevels - 1);
}

}  // namespace
}  // namespace halflife
