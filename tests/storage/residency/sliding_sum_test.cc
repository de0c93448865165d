#include "storage/residency/sliding_sum.h"

#include "gtest/gtest.h"

namespace halflife {
namespace {

TEST(SlidingSum, CountsTheLastSlotsAndThePresentOne) {
  SlidingSum<3> sum(/*slot_ns=*/10);
  for (int slot = 0; slot < 6; ++slot) sum.Add(1 << slot, slot * 10 + 5);

  EXPECT_EQ(sum.At(59), 4 + 8 + 16 + 32);
  EXPECT_EQ(sum.At(60), 8 + 16 + 32);
  EXPECT_EQ(sum.At(89), 32);
  EXPECT_EQ(sum.At(90), 0);
}

TEST(SlidingSum, NothingIsLeftAfterALongTime) {
  SlidingSum<3> sum(10);
  sum.Add(5, 0);

  EXPECT_EQ(sum.At(int64_t{1} << 60), 0);

  sum.Add(7, int64_t{1} << 60);
  EXPECT_EQ(sum.At(int64_t{1} << 60), 7);
}

TEST(SlidingSum, WhatIsTakenBackIsNotCountedTwice) {
  SlidingSum<3> sum(10);
  sum.Add(5, 0);
  sum.Add(6, 10);

  sum.TakeBack(8);

  EXPECT_EQ(sum.At(10), 3);
  EXPECT_EQ(sum.At(40), -2) << "more than what the present slot had";
  EXPECT_EQ(sum.At(50), 0);
}

}  // namespace
}  // namespace halflife
