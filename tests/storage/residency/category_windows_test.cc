#include "storage/residency/model/category_windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "storage/residency/model/reuse_observer.h"

namespace halflife {
namespace {

constexpr int kCategory = 3;

// One window of requests whose blocks are reused with this probability, after an exponential time.
class Windows {
 public:
  void Observe(int requests, double reuse_probability, double mean_s) {
    std::exponential_distribution<double> gap_s(1 / mean_s);
    std::uniform_real_distribution<double> chance;
    for (int i = 0; i < requests; ++i) {
      windows_.StartRequest(kCategory, 1);
      const double watched_s = 600;
      const double age_s = chance(random_) < reuse_probability ? gap_s(random_) : watched_s;
      windows_.AddTimeAtRisk(kCategory, 0, std::min(age_s, watched_s), 1, 0.01);
      if (age_s < watched_s) windows_.AddReuse(kCategory, age_s, 1);
    }
    changed_ = windows_.Advance(CategoryWindows::kWindowS, 1).size();
  }

  size_t changed() const { return changed_; }
  CategoryWindows::Stats stats() const { return windows_.stats(kCategory); }
  const ObservedWindow& known() const { return windows_.known(kCategory); }

 private:
  std::mt19937_64 random_{7};
  CategoryWindows windows_;
  size_t changed_ = 0;
};

TEST(CategoryWindows, SeesAChangeInTheSecondWindowThatDiffersAndForgetsWhatCameBefore) {
  Windows windows;
  for (int i = 0; i < 6; ++i) windows.Observe(500, .7, 60);

  windows.Observe(500, .2, 60);
  EXPECT_EQ(windows.changed(), 0u);
  EXPECT_EQ(windows.known().requests, 3000);  // held back
  EXPECT_NEAR(windows.stats().drift_distance, .5, .1);

  windows.Observe(500, .2, 60);
  EXPECT_EQ(windows.changed(), 1u);
  EXPECT_EQ(windows.stats().drifts, 1u);
  EXPECT_TRUE(windows.stats().is_settling);
  EXPECT_EQ(windows.known().requests, 1000);
  EXPECT_NEAR(windows.known().ended.reuses(), 200, 40);
  EXPECT_NEAR(windows.known().expected, 10, 1e-6);

  windows.Observe(500, .2, 60);
  EXPECT_EQ(windows.changed(), 0u);
  EXPECT_FALSE(windows.stats().is_settling);
}

TEST(CategoryWindows, SeesThatReusesComeAtAnotherTime) {
  Windows windows;
  for (int i = 0; i < 3; ++i) windows.Observe(500, .7, 20);

  windows.Observe(500, .7, 200);
  windows.Observe(500, .7, 200);

  EXPECT_EQ(windows.stats().drifts, 1u);
}

TEST(CategoryWindows, OneOddWindowIsNoChange) {
  Windows windows;
  for (int i = 0; i < 3; ++i) windows.Observe(500, .7, 60);
  windows.Observe(500, .2, 60);
  windows.Observe(500, .7, 60);

  EXPECT_EQ(windows.stats().drifts, 0u);
  EXPECT_EQ(windows.known().requests, 2500);  // what was held back counts as well
}

TEST(CategoryWindows, ChanceIsNoChange) {
  int drifts = 0;
  for (const double reuse_probability : {.1, .5, .9}) {
    Windows windows;
    for (int i = 0; i < 300; ++i) windows.Observe(100, reuse_probability, 60);
    drifts += static_cast<int>(windows.stats().drifts);
  }

  EXPECT_EQ(drifts, 0);  // in 900 windows as small as may be
}

TEST(CategoryWindows, AWindowStaysOpenUntilItHasEnoughRequests) {
  Windows windows;
  windows.Observe(99, .5, 60);
  EXPECT_EQ(windows.known().requests, 0);
  EXPECT_EQ(windows.stats().requests, 99);

  windows.Observe(1, .5, 60);
  EXPECT_EQ(windows.known().requests, 100);
  EXPECT_EQ(windows.known().span_s, 2 * CategoryWindows::kWindowS);
}

TEST(HazardEstimator, RelearnsACategoryFromItsLastWindowsAndKeepsTheOthers) {
  HazardEstimator estimator;
  const HazardEstimator::Interval changed{0, FeaturesOf(1, 0, 0), 1};
  const HazardEstimator::Interval other{0, FeaturesOf(2, 0, 0), 1};
  for (const auto& interval : {changed, other}) {
    estimator.AddTimeAtRisk(interval, 0, 100, 1000);
    for (int i = 0; i < 500; ++i) estimator.AddReuse(interval, 50, 1);
  }
  for (int fit = 0; fit < 20; ++fit) estimator.Fit();
  const double before = estimator.fit().multiplier[kCategoryFactor][2];

  estimator.Relearn(1, /*reuses=*/10, /*expected=*/100, /*span_s=*/600);
  estimator.Fit();

  EXPECT_LT(estimator.fit().multiplier[kCategoryFactor][1], 0.2);
  EXPECT_NEAR(estimator.fit().multiplier[kCategoryFactor][2], before, 0.1 * before);
}

}  // namespace
}  // namespace halflife
