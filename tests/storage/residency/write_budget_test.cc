#include "storage/residency/write_budget.h"

#include <deque>
#include <random>

#include "gtest/gtest.h"

namespace halflife {
namespace {

constexpr int64_t kSecondNs = int64_t{1000} * 1000 * 1000;
constexpr int64_t kMinuteNs = 60 * kSecondNs;
constexpr int64_t kStartNs = 3600 * kSecondNs;
constexpr uint64_t kPerMinute = 6000;
constexpr uint64_t kPerDay = kPerMinute * 24 * 60;

// Spends in pieces of `piece_bytes` for as long as it may. Returns how much that was.
int64_t SpendAll(WriteBudget& budget, int64_t piece_bytes, int64_t now_ns) {
  int64_t spent = 0;
  while (budget.AffordableBytes(now_ns) >= piece_bytes) {
    budget.Spend(piece_bytes, now_ns);
    spent += piece_bytes;
  }
  return spent;
}

TEST(WriteBudget, WithoutALimitEverythingMayBeWritten) {
  WriteBudget budget(0);

  budget.Spend(int64_t{1} << 50, kStartNs);

  EXPECT_FALSE(budget.limited());
  EXPECT_EQ(budget.AffordableBytes(kStartNs), INT64_MAX);
}

TEST(WriteBudget, StartsWithNothingAndEarnsAMinutesShareInAMinute) {
  WriteBudget budget(kPerDay);

  EXPECT_EQ(budget.AffordableBytes(kStartNs), 0);
  EXPECT_NEAR(static_cast<double>(budget.AffordableBytes(kStartNs + kMinuteNs / 2)), 3000, 30);
  EXPECT_EQ(budget.AffordableBytes(kStartNs + kMinuteNs + kSecondNs), 6000);
  EXPECT_EQ(budget.AffordableBytes(kStartNs + 100 * kMinuteNs), 6000);
}

TEST(WriteBudget, NoMinuteSeesMoreThanItsShareAndABusyOneSeesAllOfIt) {
  std::mt19937_64 random(7);
  WriteBudget budget(kPerDay);
  std::deque<std::pair<int64_t, int64_t>> spent;  // of the last minute
  int64_t in_minute = 0, total = 0;
  int64_t now_ns = kStartNs;
  while (now_ns < kStartNs + 30 * kMinuteNs) {
    now_ns += static_cast<int64_t>(random() % (2 * kSecondNs));
    const int64_t bytes = SpendAll(budget, 1 + static_cast<int64_t>(random() % 50), now_ns);
    spent.emplace_back(now_ns, bytes);
    in_minute += bytes;
    total += bytes;
    while (spent.front().first <= now_ns - kMinuteNs) {
      in_minute -= spent.front().second;
      spent.pop_front();
    }

    ASSERT_LE(in_minute, static_cast<int64_t>(kPerMinute));
  }
  // What comes back counts a quarter of a second late: 1/240.
  EXPECT_GT(static_cast<double>(total), 29 * kPerMinute * 0.98);
}

TEST(WriteBudget, WhatASlowMinuteLeavesIsNotThereInTheNext) {
  WriteBudget budget(kPerDay);
  budget.AffordableBytes(kStartNs);
  const int64_t later_ns = kStartNs + 10 * kMinuteNs;

  EXPECT_EQ(SpendAll(budget, 100, later_ns), 6000);
  EXPECT_EQ(SpendAll(budget, 100, later_ns + 30 * kSecondNs), 0);
  EXPECT_EQ(SpendAll(budget, 100, later_ns + 61 * kSecondNs), 6000);
}

TEST(WriteBudget, ADebtIsPaidByTheMinutesThatFollow) {
  WriteBudget budget(kPerDay);
  budget.AffordableBytes(kStartNs);
  const int64_t now_ns = kStartNs + 10 * kMinuteNs;

  budget.Spend(3 * kPerMinute, now_ns);

  EXPECT_EQ(budget.AffordableBytes(now_ns + 61 * kSecondNs), 0);
  EXPECT_EQ(budget.AffordableBytes(now_ns + 122 * kSecondNs), 0);
  EXPECT_EQ(budget.AffordableBytes(now_ns + 183 * kSecondNs), 6000);
}

TEST(WriteBudget, WhatWasNotWrittenAfterAllMayBeWrittenAgain) {
  WriteBudget budget(kPerDay);
  budget.AffordableBytes(kStartNs);
  const int64_t now_ns = kStartNs + 10 * kMinuteNs;
  budget.Spend(5000, now_ns);

  budget.Refund(2000);

  EXPECT_EQ(budget.AffordableBytes(now_ns), 3000);
  EXPECT_EQ(budget.AffordableBytes(now_ns + 61 * kSecondNs), 6000);
}

TEST(WriteBudget, AMinuteInWhichSomethingWasRefundedSeesNoMoreThanItsShare) {
  WriteBudget budget(kPerDay);
  budget.AffordableBytes(kStartNs);
  const int64_t now_ns = kStartNs + 10 * kMinuteNs;
  budget.Spend(5000, now_ns);
  const int64_t failed_ns = now_ns + 2 * kSecondNs;
  EXPECT_EQ(budget.AffordableBytes(failed_ns), 1000);

  budget.Refund(5000);

  EXPECT_EQ(SpendAll(budget, 100, failed_ns), 6000);
  // A minute after the failed write began, what was written since is still within the minute.
  EXPECT_EQ(budget.AffordableBytes(now_ns + 61 * kSecondNs), 0);
  EXPECT_EQ(budget.AffordableBytes(failed_ns + 61 * kSecondNs), 6000);
}

}  // namespace
}  // namespace halflife
