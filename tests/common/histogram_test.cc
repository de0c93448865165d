#include "common/histogram.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>
#include <vector>

namespace halflife {
namespace {

TEST(Histogram, EveryBucketHoldsItsUpperBoundAndNotTheNextValue) {
  for (int bucket = 0; bucket + 1 < Histogram::kBuckets; ++bucket) {
    const auto bound = static_cast<uint64_t>(Histogram::UpperBound(bucket));
    EXPECT_EQ(Histogram::BucketOf(bound), bucket);
    EXPECT_EQ(Histogram::BucketOf(bound + 1), bucket + 1);
  }
}

TEST(Histogram, QuantilesAreAtMostAnEighthTooHigh) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100'000; ++value) histogram.Record(value);
  const Histogram::Snapshot snapshot = histogram.snapshot();

  EXPECT_EQ(snapshot.count, 100'000u);
  EXPECT_DOUBLE_EQ(snapshot.sum, 100'000.0 * 100'001 / 2);
  for (const double q : {0.01, 0.5, 0.9, 0.99, 1.0}) {
    EXPECT_GE(snapshot.Quantile(q), q * 100'000 * 0.999);
    EXPECT_LE(snapshot.Quantile(q), q * 100'000 * 1.126 + 1);
  }
}

TEST(Histogram, AnEmptyOneAndHugeValuesAreHarmless) {
  Histogram histogram;
  EXPECT_EQ(histogram.snapshot().Quantile(0.5), 0);
  histogram.Record(std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(histogram.snapshot().count, 1u);
  EXPECT_GT(histogram.snapshot().Quantile(0.5), 0);
}

TEST(Histogram, CountsFromManyThreadsAreNotLost) {
  Histogram histogram;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) histogram.Record(7);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(histogram.snapshot().counts[7], 40'000u);
  EXPECT_EQ(histogram.snapshot().CountAtMost(7), 40'000u);
  EXPECT_EQ(histogram.snapshot().CountAtMost(6), 0u);
}

}  // namespace
}  // namespace halflife
