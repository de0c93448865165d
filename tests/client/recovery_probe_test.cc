#include "client/src/recovery_probe.h"

#include <optional>
#include <utility>

#include "tests/fakes/manual_clock.h"

namespace halflife::client {
namespace {

using Answer = RecoveryProbe::Answer;
using Verdict = Breaker::Verdict;

// A breaker that opens at the first failure and would not let a call through for an hour.
class RecoveryProbeTest : public testing::Test {
 protected:
  void FailACall() {
    const auto pass = breaker_.Admit();
    ASSERT_TRUE(pass.has_value());
    breaker_.Report(*pass, Verdict::kFailed);
    probe_.Wanted();
  }
  // A call as the client makes it.
  bool IsAdmitted() {
    const auto pass = breaker_.Admit();
    if (pass) breaker_.Report(*pass, Verdict::kUnknown);
    if (!pass) probe_.Wanted();
    return pass.has_value();
  }
  // Lets the pause pass. Its length; nullopt if none is under way.
  std::optional<absl::Duration> PassPause() {
    if (!task_) return std::nullopt;
    const absl::Duration length = *delay_;
    clock_.Advance(length);
    std::exchange(task_, nullptr)();
    return length;
  }
  bool is_asking() const { return question_ != nullptr; }
  void Give(Answer answer) {
    ASSERT_TRUE(is_asking());
    std::exchange(question_, nullptr)(answer);
  }
  void ExpectPauseOf(absl::Duration nominal) {
    const auto pause = PassPause();
    ASSERT_TRUE(pause.has_value());
    EXPECT_GE(*pause, 0.8 * nominal);
    EXPECT_LE(*pause, 1.2 * nominal);
  }

  ManualClock clock_;
  Breaker breaker_{{.failures = 1, .open = absl::Hours(1), .open_max = absl::Hours(1), .seed = 7},
                   &clock_};
  std::optional<absl::Duration> delay_;
  std::function<void()> task_;
  std::function<void(Answer)> question_;
  RecoveryProbe probe_{{.seed = 7},
                       &breaker_,
                       &clock_,
                       {.run_after =
                            [this](absl::Duration delay, std::function<void()> task) {
                              EXPECT_FALSE(task_) << "two pauses at a time";
                              delay_ = delay;
                              task_ = std::move(task);
                            },
                        .ask =
                            [this](std::function<void(Answer)> done) {
                              EXPECT_FALSE(question_) << "two questions at a time";
                              question_ = std::move(done);
                            }}};
};

TEST_F(RecoveryProbeTest, AReadyDaemonGetsACallLongBeforeTheInterval) {
  FailACall();
  ASSERT_FALSE(IsAdmitted());

  ExpectPauseOf(absl::Milliseconds(250));
  Give(Answer::kReady);

  EXPECT_TRUE(IsAdmitted());
  EXPECT_FALSE(PassPause()) << "goes on asking though it knows";
}

TEST_F(RecoveryProbeTest, ADaemonThatIsNotReadyIsAskedAgainAfterTheSamePause) {
  FailACall();

  for (int i = 0; i < 20; ++i) {
    ExpectPauseOf(absl::Milliseconds(250));
    Give(Answer::kNotReady);
    EXPECT_FALSE(IsAdmitted());
  }
}

TEST_F(RecoveryProbeTest, AnOverloadedDaemonIsAskedMoreAndMoreSeldom) {
  FailACall();

  absl::Duration nominal = absl::Milliseconds(250);
  for (int i = 0; i < 8; ++i) {
    ExpectPauseOf(nominal);
    Give(Answer::kOverloaded);
    EXPECT_FALSE(IsAdmitted()) << "a call was sent to an overloaded daemon";
    nominal = std::min(2 * nominal, absl::Seconds(5));
  }
  EXPECT_EQ(nominal, absl::Seconds(5));
}

TEST_F(RecoveryProbeTest, ADaemonThatIsReadyButRefusesGetsFewerAndFewerCalls) {
  FailACall();

  absl::Duration nominal = absl::Milliseconds(250);
  for (int i = 0; i < 8; ++i) {
    EXPECT_FALSE(IsAdmitted());
    ExpectPauseOf(nominal);
    Give(Answer::kReady);
    FailACall();
    nominal = std::min(2 * nominal, absl::Seconds(5));
  }
}

TEST_F(RecoveryProbeTest, ANewOutageBeginsWithTheShortPause) {
  FailACall();
  ExpectPauseOf(absl::Milliseconds(250));
  Give(Answer::kReady);
  breaker_.Report(*breaker_.Admit(), Verdict::kAnswered);

  FailACall();

  ExpectPauseOf(absl::Milliseconds(250));
}

TEST_F(RecoveryProbeTest, AClosedBreakerEndsTheQuestions) {
  FailACall();
  breaker_.ProbeSoon();
  breaker_.Report(*breaker_.Admit(), Verdict::kAnswered);

  PassPause();

  EXPECT_FALSE(is_asking());
  EXPECT_FALSE(PassPause());
}

TEST_F(RecoveryProbeTest, AnIdleClientAsksNothing) {
  FailACall();
  int questions = 0;
  while (PassPause() && is_asking()) {
    Give(Answer::kNotReady);
    ++questions;
  }
  EXPECT_GE(questions, 10'000 / 300);
  EXPECT_LE(questions, 10'000 / 200);
  EXPECT_FALSE(is_asking());

  EXPECT_FALSE(IsAdmitted());

  ExpectPauseOf(absl::Milliseconds(250));
  EXPECT_TRUE(is_asking()) << "calls are back, and so should be the questions";
}

TEST_F(RecoveryProbeTest, ManyRejectionsMakeOneQuestion) {
  FailACall();
  for (int i = 0; i < 1000; ++i) IsAdmitted();
  PassPause();
  for (int i = 0; i < 1000; ++i) IsAdmitted();

  EXPECT_TRUE(is_asking());
  EXPECT_FALSE(PassPause());
}

}  // namespace
}  // namespace halflife::client
