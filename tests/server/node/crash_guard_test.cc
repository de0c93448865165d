#include "server/crash_guard.h"

#include <gtest/gtest.h>

#include "tests/fakes/manual_clock.h"
#include "tests/server/node/scratch.h"

namespace halflife {
namespace {

class CrashGuardTest : public ::testing::Test {
 protected:
  CrashGuard Start(int64_t limit = 3) {
    auto guard = CrashGuard::Begin(scratch_ / "starts", limit, clock_);
    EXPECT_TRUE(guard.ok()) << guard.status();
    return *std::move(guard);
  }

  Scratch scratch_;
  ManualClock clock_;
};

TEST_F(CrashGuardTest, TripsAfterThreeStartsWithoutACleanStop) {
  EXPECT_FALSE(Start().tripped());
  EXPECT_FALSE(Start().tripped());
  EXPECT_FALSE(Start().tripped());
  EXPECT_TRUE(Start().tripped());
}

TEST_F(CrashGuardTest, ACleanStopForgetsTheStarts) {
  Start();
  Start();
  EXPECT_TRUE(Start().MarkClean().ok());

  EXPECT_FALSE(Start().tripped());
}

TEST_F(CrashGuardTest, StartsOlderThanTheWindowDoNotCount) {
  Start();
  Start();
  Start();
  clock_.Advance(CrashGuard::kWindow + absl::Seconds(1));

  EXPECT_FALSE(Start().tripped());
}

TEST_F(CrashGuardTest, StartsFromBeforeARebootLieInTheFutureAndDoNotCount) {
  clock_.Advance(absl::Hours(100));
  Start();
  Start();
  Start();

  ManualClock after_boot(absl::Seconds(10));

  EXPECT_FALSE(CrashGuard::Begin(scratch_ / "starts", 3, after_boot)->tripped());
}

TEST_F(CrashGuardTest, ALimitOfZeroNeverTrips) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Start(0).tripped());
}

TEST_F(CrashGuardTest, ADamagedFileIsNoCrashLoop) {
  WriteText(scratch_ / "starts", "\x01garbage 1 2 3\n");

  EXPECT_FALSE(Start().tripped());
}

TEST_F(CrashGuardTest, AFileThatCannotBeWrittenIsUnavailable) {
  EXPECT_EQ(CrashGuard::Begin(scratch_ / "missing/starts", 3, clock_).status().code(),
            absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace halflife
