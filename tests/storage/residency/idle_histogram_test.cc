#include "storage/residency/model/idle_histogram.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace halflife {
namespace {

// Intervals that are reused with probability p after an exponential time, unless they are looked at
// no longer before: after a uniform time of up to `watched_s`.
IdleHistogram Planted(double p, double rate_per_s, double watched_s, int count) {
  std::mt19937_64 random(20250622);
  std::uniform_real_distribution<double> uniform(0, 1);
  IdleHistogram intervals;
  for (int i = 0; i < count; ++i) {
    const double seen_s = watched_s * uniform(random);
    const bool returns = uniform(random) < p;
    const double reuse_s = -std::log(1 - uniform(random)) / rate_per_s;
    if (returns && reuse_s <= seen_s) {
      intervals.AddReused(reuse_s, 1);
    } else {
      intervals.AddCensored(seen_s, 1);
    }
  }
  return intervals;
}

TEST(DefectiveExponential, IsRecoveredFromIntervalsOfWhichManyAreCensored) {
  const IdleHistogram intervals = Planted(0.4, 1.0 / 230, 900, 40'000);

  const DefectiveExponential fit = FitDefectiveExponential(intervals);

  EXPECT_LT(intervals.reuses() / intervals.intervals(),
            0.33);  // counting them alone would say this
  EXPECT_NEAR(fit.reuse_probability, 0.4, 0.015);
  EXPECT_NEAR(1 / fit.rate_per_s, 230, 12);
  EXPECT_NEAR(fit.half_life_s(), 230 * std::log(2.0), 8);
}

TEST(DefectiveExponential, FitsWhereNearlyEverythingIsReusedAtOnce) {
  const DefectiveExponential fit = FitDefectiveExponential(Planted(0.97, 0.5, 100, 20'000));

  EXPECT_NEAR(fit.reuse_probability, 0.97, 0.01);
  EXPECT_NEAR(1 / fit.rate_per_s, 2.0, 0.1);
}

TEST(DefectiveExponential, IsZeroWithoutAReuse) {
  IdleHistogram intervals;
  intervals.AddCensored(10, 5);

  const DefectiveExponential fit = FitDefectiveExponential(intervals);

  EXPECT_EQ(fit.reuse_probability, 0);
  EXPECT_EQ(fit.SurvivalAt(100), 1);
}

TEST(LifeTable, AgreesWithAnExponentialWhereThatIsTheTruth) {
  const IdleHistogram intervals = Planted(0.4, 1.0 / 230, 2000, 40'000);

  EXPECT_LT(
      FitDistance(FitDefectiveExponential(intervals), LifeTable(intervals), kAgeEdgesS.back()),
      0.02);
}

TEST(DefectiveExponential, StaysANumberWhereNearlyAllComeBackSoon) {
  IdleHistogram intervals;
  intervals.AddReused(1, 1e6);
  intervals.AddCensored(5000, 1e-12);  // two days ago, all but forgotten

  const DefectiveExponential fit = FitDefectiveExponential(intervals);

  EXPECT_DOUBLE_EQ(fit.reuse_probability, 1);
  EXPECT_NEAR(fit.rate_per_s, 1, 1e-6);
}

TEST(LifeTable, ShowsThatAModeBehindADeadTimeIsNoExponential) {
  IdleHistogram intervals;
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    intervals.AddReused(std::uniform_real_distribution<double>(8, 15)(random), 1);
  }

  EXPECT_GT(
      FitDistance(FitDefectiveExponential(intervals), LifeTable(intervals), kAgeEdgesS.back()),
      0.3);
}

TEST(LifeTable, CountsWhatIsCensoredInABinAtRiskForHalfOfIt) {
  IdleHistogram intervals;
  intervals.AddReused(0.05, 10);
  intervals.AddCensored(0.05, 20);
  intervals.AddCensored(5, 70);

  const auto survival = LifeTable(intervals);

  EXPECT_DOUBLE_EQ(survival[0], 1);
  EXPECT_DOUBLE_EQ(survival[1], 1 - 10.0 / 90);
  EXPECT_DOUBLE_EQ(survival[kAgeBins], survival[1]);
}

TEST(AgeBins, HoldTheirLowerEdgeAndNotTheirUpperOne) {
  EXPECT_EQ(AgeBinOf(0), 0);
  EXPECT_EQ(AgeBinOf(0.0999), 0);
  EXPECT_EQ(AgeBinOf(0.1), 1);
  EXPECT_EQ(AgeBinOf(7999.9), kAgeBins - 2);
  EXPECT_EQ(AgeBinOf(8000), kAgeBins - 1);
  EXPECT_EQ(AgeBinOf(1e12), kAgeBins - 1);
}

}  // namespace
}  // namespace halflife
