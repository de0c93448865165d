#include "storage/residency/recent_offers.h"

#include <cmath>

#include "gtest/gtest.h"
#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

constexpr double kHalfLifeS = 600;

TEST(RecentOffers, ABlockCountsOnceHoweverOftenItIsOffered) {
  RecentOffers recent(kHalfLifeS);
  EXPECT_EQ(recent.NewShare(KeyOfNumber(1), 0), 1) << "the first time";

  // Of what is exponentially forgotten: each offer adds what was forgotten since the last one.
  double counted = 1;
  for (int s = 1; s <= 600; ++s) {
    counted = counted * std::exp2(-1 / kHalfLifeS) + recent.NewShare(KeyOfNumber(1), s * kSecondNs);
  }
  EXPECT_NEAR(counted, 1, 0.05);
}

TEST(RecentOffers, WhatWasOfferedLongAgoIsNewAgain) {
  RecentOffers recent(kHalfLifeS);
  recent.NewShare(KeyOfNumber(1), 0);

  EXPECT_NEAR(recent.NewShare(KeyOfNumber(1), 600 * kSecondNs), 0.5, 0.001);
  EXPECT_NEAR(recent.NewShare(KeyOfNumber(1), 3 * 3600 * kSecondNs), 1, 0.001);
}

TEST(RecentOffers, ManyBlocksDoNotMakeItGrowAndThoseForgottenAreNew) {
  RecentOffers recent(kHalfLifeS);
  for (uint64_t n = 0; n < 1'000'000; ++n) recent.NewShare(KeyOfNumber(n), kSecondNs);

  int forgotten = 0;
  for (uint64_t n = 0; n < 1000; ++n) {
    forgotten += recent.NewShare(KeyOfNumber(n), 2 * kSecondNs) == 1 ? 1 : 0;
  }
  EXPECT_GT(forgotten, 950);
}

}  // namespace
}  // namespace halflife
