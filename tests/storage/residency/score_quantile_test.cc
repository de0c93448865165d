#include "storage/residency/score_quantile.h"

#include <cmath>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace halflife {
namespace {

constexpr int64_t kSecondNs = int64_t{1000} * 1000 * 1000;

TEST(ScoreQuantile, KnowsTheRateAfterAShortTimeAndAfterALongOne) {
  ScoreQuantile offered(600);

  for (int64_t s = 0; s <= 60; ++s) offered.Add(1, 100, s * kSecondNs);
  EXPECT_NEAR(offered.OfferedPerS(60 * kSecondNs), 100, 5);

  for (int64_t s = 61; s <= 7200; ++s) offered.Add(1, 100, s * kSecondNs);
  EXPECT_NEAR(offered.OfferedPerS(7200 * kSecondNs), 100, 2);
}

TEST(ScoreQuantile, TheBestShareLiesAboveItsScore) {
  ScoreQuantile offered(600);
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> scores(-7, 2);
  std::vector<double> all;
  for (int i = 0; i < 20000; ++i) {
    all.push_back(scores(random));
    offered.Add(all.back(), 1, kSecondNs);
  }

  for (const double share : {0.02, 0.1, 0.5, 0.9}) {
    const ScoreQuantile::Threshold best = offered.BestShare(share);
    double above = 0;
    for (const double score : all) {
      const ScoreQuantile::Place place = ScoreQuantile::PlaceOf(score, best);
      above += place == ScoreQuantile::Place::kAbove ? 1 : 0;
      above += place == ScoreQuantile::Place::kAt ? best.part : 0;
    }
    EXPECT_NEAR(above / 20000, share, 1e-6) << share;
  }
}

TEST(ScoreQuantile, EverythingIsAmongTheBestOfAWholeAndNothingIsKnownOfNone) {
  ScoreQuantile offered(600);
  EXPECT_EQ(offered.BestShare(0.5).score, 0);

  offered.Add(5, 1, kSecondNs);

  EXPECT_EQ(offered.BestShare(1).score, 0);
  EXPECT_EQ(offered.BestShare(7).score, 0);
  EXPECT_GT(offered.BestShare(0.01).score, 4);
}

TEST(ScoreQuantile, ForgetsWhatWasOfferedLongAgo) {
  ScoreQuantile offered(600);
  for (int i = 0; i < 1000; ++i) offered.Add(1000, 1, kSecondNs);

  for (int i = 0; i < 100; ++i) offered.Add(1, 1, 36000 * kSecondNs);

  EXPECT_LT(offered.BestShare(0.5).score, 2);
}

TEST(ScoreQuantile, ScoresOutsideItsRangeCountAsTheLowestAndTheHighest) {
  ScoreQuantile offered(600);
  for (const double score : {0.0, -1.0, std::nan(""), 1e-30}) offered.Add(score, 1, kSecondNs);
  offered.Add(1e30, 4, kSecondNs);

  EXPECT_GT(offered.BestShare(0.4).score, 1e9);
  EXPECT_LT(offered.BestShare(0.9).score, 1e-9);
}

TEST(ScoreQuantile, OfScoresThatAreAllAlikeAPartIsAmongTheBest) {
  ScoreQuantile offered(600);
  for (int i = 0; i < 100; ++i) offered.Add(1, 1, kSecondNs);

  const ScoreQuantile::Threshold best = offered.BestShare(0.3);

  EXPECT_EQ(ScoreQuantile::PlaceOf(1, best), ScoreQuantile::Place::kAt);
  EXPECT_EQ(ScoreQuantile::PlaceOf(1.2, best), ScoreQuantile::Place::kAbove);
  EXPECT_EQ(ScoreQuantile::PlaceOf(0.8, best), ScoreQuantile::Place::kBelow);
  EXPECT_NEAR(best.part, 0.3, 1e-9);
}

}  // namespace
}  // namespace halflife
