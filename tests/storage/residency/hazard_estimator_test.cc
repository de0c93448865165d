#include "storage/residency/model/hazard_estimator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "storage/residency/model/reuse_observer.h"

namespace halflife {
namespace {

constexpr int64_t kSecondNs = 1'000'000'000;

RequestFeatures WithCategory(Category category) { return FeaturesOf(category, 8, 8); }

TEST(ReuseObserver, FindsAConstantHazardFromIntervalsOfWhichMostStayOpen) {
  ReuseObserver observer;
  std::mt19937_64 random(3);
  std::exponential_distribution<double> reuse_s(1.0 / 500);
  struct Open {
    int64_t ends_ns;
    ReuseObserver::CohortId id;
  };
  std::vector<Open> open;
  for (int64_t now_s = 0; now_s < 3600; ++now_s) {
    const int64_t now_ns = now_s * kSecondNs;
    for (size_t i = 0; i < open.size();) {
      if (open[i].ends_ns > now_ns) {
        ++i;
        continue;
      }
      observer.EndInReuse(open[i].id, now_ns);
      open[i] = open.back();
      open.pop_back();
    }
    const auto id = observer.Open(now_ns, {0, WithCategory(1), 1}, 1);
    observer.Join(id);
    open.push_back({now_ns + static_cast<int64_t>(reuse_s(random) * 1e9), id});
    if (now_s % 30 == 0) observer.Refit(now_ns);
  }

  const double multiplier = observer.fit().multiplier[kCategoryFactor][1];
  for (const double age_s : {30.0, 100.0, 300.0, 900.0}) {
    const double hazard =
        observer.fit().base[0][AgeBinOf(age_s)] * observer.fit().MultiplierOf(WithCategory(1));
    EXPECT_NEAR(hazard * 500, 1, 0.25) << age_s << " multiplier " << multiplier;
  }
}

TEST(ReuseObserver, TellsACategoryThatIsReusedFromOneThatIsNot) {
  ReuseObserver observer;
  for (int64_t now_s = 0; now_s < 2400; now_s += 4) {
    const int64_t now_ns = now_s * kSecondNs;
    const HazardFit& fit = observer.fit();
    const auto reused = observer.Open(
        now_ns, {0, WithCategory(1), static_cast<float>(fit.MultiplierOf(WithCategory(1)))}, 1);
    const auto dead = observer.Open(
        now_ns, {0, WithCategory(2), static_cast<float>(fit.MultiplierOf(WithCategory(2)))}, 1);
    observer.Join(reused);
    observer.Join(dead);
    observer.EndInReuse(reused, now_ns + 2 * kSecondNs);
    if (now_s % 32 == 0) observer.Refit(now_ns + 2 * kSecondNs);
  }

  const double reused = observer.fit().MultiplierOf(WithCategory(1));
  const double dead = observer.fit().MultiplierOf(WithCategory(2));
  EXPECT_GT(reused, 8 * dead);
  EXPECT_NEAR(observer.intervals(1).reuses() / observer.intervals(1).intervals(), 1, 1e-9);
  EXPECT_EQ(observer.intervals(2).reuses(), 0);
  EXPECT_GT(observer.intervals(2).intervals(), 100);
}

TEST(ReuseObserver, CountsAForgottenBlockUntilItWasForgotten) {
  ReuseObserver observer;
  const auto id = observer.Open(0, {0, WithCategory(1), 1}, 1);
  observer.Join(id);

  observer.EndUnseen(id, 50 * kSecondNs);
  observer.Refit(60 * kSecondNs);

  EXPECT_EQ(observer.intervals(1).censored[AgeBinOf(50)], 1);
  EXPECT_EQ(observer.intervals(1).reuses(), 0);
}

TEST(ReuseObserver, TakesASmallerSampleWhenItFillsUpAndALargerOneWhenItEmpties) {
  ReuseObserver observer(64);
  std::vector<ReuseObserver::CohortId> ids;
  for (int i = 0; i < 64; ++i) {
    ids.push_back(observer.Open(0, {0, WithCategory(1), 1}, 1));
    observer.Join(ids.back());
  }
  EXPECT_EQ(observer.Open(0, {0, WithCategory(1), 1}, 1), 0u);  // full

  observer.Refit(30 * kSecondNs);
  EXPECT_NEAR(observer.sample_rate(), 0.5, 1e-9);
  EXPECT_FALSE(observer.Samples(UINT64_MAX));
  EXPECT_TRUE(observer.Samples(UINT64_MAX / 4));

  for (const auto id : ids) observer.EndUnseen(id, 31 * kSecondNs);
  observer.Refit(60 * kSecondNs);
  EXPECT_EQ(observer.sample_rate(), 1);
  EXPECT_NE(observer.Open(60 * kSecondNs, {0, WithCategory(1), 1}, 1), 0u);
}

// Requests of one kind come back a quarter of a second later, those of another never: each factor
// alone explains that, and so do the curves.
TEST(HazardEstimator, DoesNotSwingWhereEveryFactorTellsTheSame) {
  HazardEstimator estimator;
  HazardEstimator::Interval read{25, FeaturesOf(1, 0, 8), 1};
  HazardEstimator::Interval put{0, FeaturesOf(2, 12, 0), 1};
  for (int fit = 0; fit < 20; ++fit) {
    for (auto* const interval : {&read, &put}) {
      interval->multiplier = static_cast<float>(estimator.fit().MultiplierOf(interval->features));
    }
    for (int i = 0; i < 120; ++i) {
      estimator.AddTimeAtRisk(read, 0, .26, 1);
      estimator.AddReuse(read, .26, 1);
      estimator.AddTimeAtRisk(put, 0, 15, 1);
    }
    estimator.Fit();

    const auto hazard = [&](const HazardEstimator::Interval& interval) {
      return estimator.fit().base[interval.group][AgeBinOf(.26)] *
             estimator.fit().MultiplierOf(interval.features);
    };
    EXPECT_GT(hazard(read), 1) << "fit " << fit;
    EXPECT_LT(hazard(put), hazard(read) / 20) << "fit " << fit;
  }
}

TEST(HazardEstimator, ForgetsHalfOfItsEvidenceInAnHour) {
  HazardEstimator estimator;
  const HazardEstimator::Interval interval{0, WithCategory(1), 1};
  estimator.AddReuse(interval, 10, 8);

  estimator.Forget(3600);

  EXPECT_DOUBLE_EQ(estimator.events(), 4);
}

TEST(HistoryGroup, GrowsWithTheGapAndWithTheTouches) {
  EXPECT_EQ(HistoryGroupOf(1, 0), 0);
  EXPECT_EQ(HistoryGroupOf(2, 0.2), 1);
  EXPECT_EQ(HistoryGroupOf(3, 2.5), 2);
  EXPECT_EQ(HistoryGroupOf(3, 1e9), kGapClasses - 1);
  EXPECT_EQ(HistoryGroupOf(4, 2.5), kGapClasses + 2);
  EXPECT_EQ(HistoryGroupOf(16, 1e9), kHistoryGroups - 1);
}

}  // namespace
}  // namespace halflife
