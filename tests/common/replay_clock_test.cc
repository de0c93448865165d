#include "common/replay_clock.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace halflife {
namespace {

class ReplayClockTest : public testing::Test {
 protected:
  void TearDown() override { std::remove(path_.c_str()); }

  const std::string path_ = testing::TempDir() + "/replay_clock_test";
};

TEST_F(ReplayClockTest, WhatOneEndSetsTheOtherReads) {
  const auto replay = ReplayClock::Open(path_);
  const auto daemon = ReplayClock::Open(path_);
  ASSERT_TRUE(replay.ok() && daemon.ok());

  EXPECT_EQ((*daemon)->NowNanos(), ReplayClock::kStartNs);
  (*replay)->MoveTo(1.5);

  EXPECT_EQ((*daemon)->NowNanos(), ReplayClock::kStartNs + 1'500'000'000);
}

TEST_F(ReplayClockTest, NeverGoesBack) {
  const auto clock = ReplayClock::Open(path_);
  ASSERT_TRUE(clock.ok());

  (*clock)->MoveTo(10);
  (*clock)->MoveTo(5);

  EXPECT_EQ((*clock)->NowNanos(), ReplayClock::kStartNs + int64_t{10} * 1'000'000'000);
}

TEST_F(ReplayClockTest, AFileThatCannotBeMadeIsAnError) {
  EXPECT_EQ(ReplayClock::Open(path_ + "/not/there").status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace halflife
