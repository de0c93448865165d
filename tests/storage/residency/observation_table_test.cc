#include "storage/residency/categories/observation_table.h"

#include <gtest/gtest.h>

namespace halflife {
namespace {

// One request a second, each with two intervals, at the age of its number.
void Fill(int requests, ObservationTable* table) {
  for (int i = 0; i < requests; ++i) {
    RequestLevels levels{};
    levels[0] = static_cast<uint8_t>(i % 2);
    table->StartRequest(levels);
    table->AddReused(i, .5);
    table->AddCensored(i, .5);
  }
}

TEST(ObservationTable, HoldsEveryRequestUpToItsLimitAndASampleBeyond) {
  for (const int requests : {99, 100, 101}) {
    ObservationTable table({.requests = 100, .intervals = 1000});

    Fill(requests, &table);

    EXPECT_EQ(table.sample_rate() == 1, requests <= 100) << requests;
    EXPECT_EQ(table.interval_count(), 2 * table.request_count());
    if (requests <= 100) {
      EXPECT_EQ(table.request_count(), static_cast<size_t>(requests));
    } else {
      EXPECT_NEAR(static_cast<double>(table.request_count()), requests / 2.0, 5);
    }
  }
}

TEST(ObservationTable, HoldsEveryIntervalUpToItsLimitAndASampleBeyond) {
  for (const int requests : {49, 50, 51}) {
    ObservationTable table({.requests = 1000, .intervals = 100});

    Fill(requests, &table);

    EXPECT_EQ(table.sample_rate() == 1, requests <= 50) << requests;
    EXPECT_LE(table.interval_count(), 100u);
  }
}

TEST(ObservationTable, SpreadsItsSampleEvenlyOverTimeAndLevels) {
  ObservationTable table({.requests = 1000, .intervals = 1500});

  Fill(100'000, &table);

  ASSERT_GT(table.request_count(), 300u);
  EXPECT_LE(table.interval_count(), 1500u);
  IdleHistogram late, odd;
  IdleHistogram all;
  for (size_t i = 0; i < table.request_count(); ++i) {
    IdleHistogram own;
    table.AddTo(i, own);
    EXPECT_EQ(own.intervals(), 1);
    all += own;
    if (table.levels(i)[0] == 1) odd += own;
    if (own.reused_s[kAgeBins - 1] > 25'000) late += own;  // of the second half: half of 50,000 s
  }
  EXPECT_NEAR(odd.intervals() / all.intervals(), .5, .05);
  EXPECT_NEAR(late.intervals() / all.intervals(), .5, .05);
}

TEST(ObservationTable, ARequestOfTooManyIntervalsLosesSome) {
  ObservationTable table({.requests = 10, .intervals = 10});

  table.StartRequest({});
  for (int i = 0; i < 100; ++i) table.AddReused(1, .01);

  EXPECT_EQ(table.interval_count(), 10u);
}

}  // namespace
}  // namespace halflife
