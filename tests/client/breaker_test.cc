#include "client/src/breaker.h"

#include "tests/fakes/manual_clock.h"

namespace halflife::client {
namespace {

using Verdict = Breaker::Verdict;

class BreakerTest : public testing::Test {
 protected:
  void Fail(int times) {
    for (int i = 0; i < times; ++i) {
      const auto pass = breaker_.Admit();
      ASSERT_TRUE(pass.has_value());
      breaker_.Report(*pass, Verdict::kFailed);
    }
  }
  // Passes the longest interval that `nominal` can be with jitter.
  void PassInterval(absl::Duration nominal) {
    clock_.Advance(nominal * 1.2 + absl::Milliseconds(1));
  }

  ManualClock clock_;
  Breaker breaker_{{.failures = 3, .seed = 7}, &clock_};
};

TEST_F(BreakerTest, StaysClosedBelowThreeFailuresInARow) {
  Fail(2);
  breaker_.Report(*breaker_.Admit(), Verdict::kAnswered);
  Fail(2);

  EXPECT_TRUE(breaker_.Admit().has_value());
  EXPECT_EQ(breaker_.opens(), 0u);
}

TEST_F(BreakerTest, OpensAfterThreeFailuresInARow) {
  Fail(3);

  EXPECT_FALSE(breaker_.Admit().has_value());
  EXPECT_EQ(breaker_.opens(), 1u);
}

TEST_F(BreakerTest, AdmitsOneProbeWhenTheIntervalHasPassed) {
  Fail(3);
  clock_.Advance(absl::Milliseconds(199));
  EXPECT_FALSE(breaker_.Admit().has_value()) << "250 ms less 20 % jitter have not passed";
  clock_.Advance(absl::Milliseconds(102));

  const auto probe = breaker_.Admit();

  ASSERT_TRUE(probe.has_value());
  EXPECT_TRUE(probe->probe);
  EXPECT_FALSE(breaker_.Admit().has_value()) << "a second probe beside the first";
}

TEST_F(BreakerTest, ClosesWhenTheProbeIsAnswered) {
  Fail(3);
  PassInterval(absl::Milliseconds(250));

  breaker_.Report(*breaker_.Admit(), Verdict::kAnswered);

  EXPECT_FALSE(breaker_.Admit()->probe);
  EXPECT_TRUE(breaker_.Admit().has_value());
}

TEST_F(BreakerTest, DoublesTheIntervalWithEachFailedProbeUpToTheMaximum) {
  Fail(3);
  absl::Duration nominal = absl::Milliseconds(250);
  for (int i = 0; i < 8; ++i) {
    PassInterval(nominal);
    Fail(1);
    nominal = std::min(2 * nominal, absl::Seconds(5));

    clock_.Advance(nominal * 0.79);
    EXPECT_FALSE(breaker_.Admit().has_value()) << "after probe " << i;
  }
  EXPECT_EQ(nominal, absl::Seconds(5));
  PassInterval(nominal);
  EXPECT_TRUE(breaker_.Admit().has_value());
  EXPECT_EQ(breaker_.opens(), 1u) << "a failed probe does not open it anew";
}

TEST_F(BreakerTest, BeginsWithTheShortIntervalAfterARecovery) {
  Fail(3);
  PassInterval(absl::Milliseconds(250));
  Fail(1);
  PassInterval(absl::Milliseconds(500));
  breaker_.Report(*breaker_.Admit(), Verdict::kAnswered);
  Fail(3);

  PassInterval(absl::Milliseconds(250));

  EXPECT_TRUE(breaker_.Admit().has_value());
  EXPECT_EQ(breaker_.opens(), 2u);
}

TEST_F(BreakerTest, ANewConnectionAllowsAProbeAtOnce) {
  Fail(3);
  ASSERT_FALSE(breaker_.Admit().has_value());

  breaker_.ProbeSoon();

  ASSERT_TRUE(breaker_.Admit().has_value());
  EXPECT_FALSE(breaker_.Admit().has_value());
}

TEST_F(BreakerTest, AnAbandonedProbeMakesRoomForAnother) {
  Fail(3);
  breaker_.ProbeSoon();
  breaker_.Report(*breaker_.Admit(), Verdict::kUnknown);

  EXPECT_TRUE(breaker_.Admit().has_value());
}

TEST_F(BreakerTest, ReportsFromBeforeAChangeOfStateAreIgnored) {
  const auto slow = breaker_.Admit();
  const auto slow_too = breaker_.Admit();
  Fail(3);

  breaker_.Report(*slow, Verdict::kAnswered);
  EXPECT_FALSE(breaker_.Admit().has_value()) << "an old answer closed it";
  breaker_.ProbeSoon();
  const auto probe = breaker_.Admit();
  breaker_.Report(*slow_too, Verdict::kFailed);
  breaker_.Report(*probe, Verdict::kAnswered);

  EXPECT_TRUE(breaker_.Admit().has_value());
}

TEST_F(BreakerTest, JitterDiffersBetweenSeedsAndStaysWithinTwentyPercent) {
  absl::Duration shortest = absl::InfiniteDuration();
  absl::Duration longest = absl::ZeroDuration();
  for (uint64_t seed = 0; seed < 64; ++seed) {
    Breaker breaker({.failures = 1, .seed = seed * 0x9e3779b97f4a7c15}, &clock_);
    breaker.Report(*breaker.Admit(), Verdict::kFailed);
    absl::Duration waited = absl::ZeroDuration();
    while (!breaker.Admit()) {
      clock_.Advance(absl::Milliseconds(1));
      waited += absl::Milliseconds(1);
    }
    shortest = std::min(shortest, waited);
    longest = std::max(longest, waited);
  }

  EXPECT_GE(shortest, absl::Milliseconds(200));
  EXPECT_LE(longest, absl::Milliseconds(301));
  EXPECT_GT(longest - shortest, absl::Milliseconds(60));
}

}  // namespace
}  // namespace halflife::client
