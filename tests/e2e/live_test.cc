// What `halflife model`, `explain`, `analyze --live` and `plan --live` say of a running halflifed
// after a trace was replayed into it, against the trace.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/e2e/command.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {
namespace {

using testing::AnyOf;
using testing::HasSubstr;
using Arguments = std::vector<std::string>;
using Json = nlohmann::json;

// A daemon of 16 MiB DRAM and no SSD: 256 blocks, fewer than the trace has.
class LiveTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new ScratchDirectory("live");
    daemon_ = new Daemon(
        {.directory = scratch_->path(), .dram_bytes = uint64_t{16} << 20, .ssd_quota_bytes = 0});
    const absl::Status started = daemon_->Start();
    ASSERT_TRUE(started.ok()) << started.message();
    const CommandResult generated =
        Run({"workload", "generate", "chat", "-n", "400", "--out", TracePath()});
    ASSERT_EQ(generated.exit_code, 0) << generated.err;
    const CommandResult replayed = Run({"trace", "replay", TracePath(), "--payload", "64KiB",
                                        "--concurrency", "1", "-q", "-o", "json"});
    ASSERT_EQ(replayed.exit_code, 0) << replayed.err;
    replay_ = new Json(Json::parse(replayed.out));
  }
  static void TearDownTestSuite() {
    delete replay_;
    delete daemon_;
    delete scratch_;
  }

  static CommandResult Run(Arguments arguments) {
    arguments.insert(arguments.end(), {"--endpoint", daemon_->endpoint()});
    return RunHalflife(arguments);
  }
  static Json Parsed(Arguments arguments) {
    arguments.insert(arguments.end(), {"-o", "json", "-q"});
    const CommandResult result = Run(std::move(arguments));
    EXPECT_EQ(result.exit_code, 0) << result.err;
    return Json::parse(result.out, nullptr, false);
  }
  static std::string TracePath() { return scratch_->path() + "/trace.ct"; }
  // The model once the background has seen all look-ups.
  static Json Model() {
    const uint64_t blocks = Parsed({"analyze", TracePath()})["summary"]["blocks"];
    Json model = Parsed({"model", "--refresh"});
    for (int i = 0; i < 100 && model["ceilings"]["lookup_blocks"] < blocks; ++i) {
      model = Parsed({"model", "--refresh"});
    }
    return model;
  }

  static ScratchDirectory* scratch_;
  static Daemon* daemon_;
  static Json* replay_;
};

ScratchDirectory* LiveTest::scratch_ = nullptr;
Daemon* LiveTest::daemon_ = nullptr;
Json* LiveTest::replay_ = nullptr;

double SimulatedRatio(const std::string& trace, const std::string& policy) {
  const CommandResult result = RunHalflife({"simulate", trace, "--policy", policy, "--capacity",
                                            "16MiB", "--token-bytes", "128", "-q", "-o", "json"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return Json::parse(result.out, nullptr, false).value("hit_ratio", -1.0);
}

TEST_F(LiveTest, CeilingsAreThoseOfTheSimulatorOnTheSameTrace) {
  const Json ceilings = Model()["ceilings"];

  EXPECT_EQ(ceilings["sample_ratio"], 1.0);
  EXPECT_EQ(ceilings["capacity_blocks"], 256);
  EXPECT_NEAR(ceilings["infinite_hit_ratio"], SimulatedRatio(TracePath(), "infinite"), 1e-6);
  EXPECT_NEAR(ceilings["optimal_hit_ratio"], SimulatedRatio(TracePath(), "optimum"), 1e-6);
  double sum = ceilings["hit_ratio"];
  for (const char* cause : {"policy", "capacity", "compulsory"}) {
    sum += ceilings[std::string("lost_to_") + cause + "_ratio"].get<double>();
  }
  EXPECT_NEAR(sum + ceilings["lost_otherwise_ratio"].get<double>(), 1, 1e-6);
  EXPECT_LT(ceilings["hit_ratio"], ceilings["optimal_hit_ratio"]);
}

TEST_F(LiveTest, AnalyzeLiveSaysWhatAnalyzeSaysOfTheTrace) {
  Model();
  const Json live = Parsed({"analyze", "--live"});
  const Json file = Parsed({"analyze", TracePath()});

  EXPECT_EQ(live["sample"]["sample_ratio"], 1.0);
  for (const char* figure :
       {"requests", "unique_blocks", "hit_blocks", "ideal_hit_ratio", "blocks_ever_reused_ratio"}) {
    EXPECT_EQ(live["summary"][figure], file["summary"][figure]) << figure;
  }
  EXPECT_EQ(live["positions"], file["positions"]);
  EXPECT_EQ(live["skew"], file["skew"]);
}

TEST_F(LiveTest, PlanLiveIsBacktestedAgainstWhatTheDaemonCounted) {
  Model();
  const Json plan = Parsed({"plan", "--live", "--target-hit", "10%", "--backtest", "-j", "1"});

  EXPECT_EQ(plan["sample"]["capacity_bytes"], 16 << 20);
  EXPECT_EQ(plan["plan"]["block_bytes"], 64 << 10) << "as the daemon's blocks are";
  ASSERT_EQ(plan["observed"].size(), 1u);
  EXPECT_EQ(plan["observed"][0]["capacity_blocks"], 256);
  EXPECT_EQ(plan["observed"][0]["observed_hit_ratio"], plan["sample"]["hit_ratio"]);
}

TEST_F(LiveTest, MissesLeadToTheBlocksThatExplainThem) {
  const Json misses = Parsed({"explain", "--miss", "--limit", "50"});
  ASSERT_EQ(misses.size(), 50u);

  int evicted = 0;
  for (const Json& miss : misses) {
    const CommandResult explained =
        Run({"explain", miss["hash"], "--namespace", miss["namespace"], "-o", "json"});
    // It was put after it had been missed, and may have gone again.
    ASSERT_THAT(explained.exit_code, AnyOf(0, 1)) << explained.err;
    const Json block = Json::parse(explained.out)["block"].is_null()
                           ? Json::parse(explained.out)
                           : Json::parse(explained.out)["block"];
    EXPECT_EQ(block["hash"], miss["hash"]);
    EXPECT_EQ(block["where"] == "-", explained.exit_code == 1);
    evicted += block["reason"] == "evicted" ? 1 : 0;
    EXPECT_FALSE(block["score"].is_null()) << "the model remembers it: " << block;
  }
  RecordProperty("evicted", evicted);
}

TEST_F(LiveTest, AReaderOfTheTableIsToldInASentence) {
  const Json miss = Parsed({"explain", "--miss", "--limit", "1"})[0];
  const CommandResult unknown =
      Run({"explain", std::string(64, 'a'), "--namespace", miss["namespace"].get<std::string>()});

  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.out, HasSubstr("nobody put it here, as far as is remembered"));
}

TEST_F(LiveTest, WhatCannotBeAskedIsSaid) {
  const std::pair<Arguments, std::string> cases[] = {
      {{"explain", "xyz", "--model", "m", "--tokens-per-block", "4", "--block-bytes", "4KiB"},
       "is not a hash of 64 hex digits"},
      {{"explain", "--model", "m", "--tokens-per-block", "4", "--block-bytes", "4KiB"},
       "no block is named"},
      {{"explain", "--miss", std::string(64, 'a')}, "either blocks or --miss"},
      {{"analyze"}, "give a trace, or --live"},
      {{"analyze", "x", "--live"}, "give a trace, or --live"},
      {{"plan", "--target-hit", "10%"}, "give a trace, or --live"},
  };
  for (const auto& [arguments, message] : cases) {
    const CommandResult result = Run(arguments);

    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, HasSubstr(message));
  }
}

TEST_F(LiveTest, ADaemonThatHasSeenNothingHasNoTrace) {
  ScratchDirectory scratch("live-empty");
  Daemon daemon({.directory = scratch.path(), .ssd_quota_bytes = 0});
  ASSERT_TRUE(daemon.Start().ok());

  const CommandResult analyzed =
      RunHalflife({"analyze", "--live", "--endpoint", daemon.endpoint()});
  const CommandResult model = RunHalflife({"model", "--endpoint", daemon.endpoint()});
  const CommandResult misses = RunHalflife({"explain", "--miss", "--endpoint", daemon.endpoint()});

  EXPECT_EQ(analyzed.exit_code, 5);
  EXPECT_THAT(analyzed.err, HasSubstr("nothing has been looked up there yet"));
  EXPECT_EQ(model.exit_code, 0) << model.err;
  EXPECT_EQ(misses.exit_code, 0) << misses.err;
}

TEST_F(LiveTest, TheModelShowsTheWriteBudgetOfADaemonThatHasOne) {
  ScratchDirectory scratch("live-budget");
  Daemon daemon({.directory = scratch.path(), .flags = {"--storage.ssd.write_budget", "1440GiB"}});
  ASSERT_TRUE(daemon.Start().ok());

  const CommandResult shown = RunHalflife({"model", "--endpoint", daemon.endpoint(), "-o", "json"});

  ASSERT_EQ(shown.exit_code, 0) << shown.err;
  const Json budget = Json::parse(shown.out)["write_budget"];
  EXPECT_EQ(budget["bytes_per_day"], uint64_t{1440} << 30);
  EXPECT_LE(budget["available_bytes"], uint64_t{1} << 30) << "a minute's share at most";
  EXPECT_EQ(budget["used_last_day_bytes"], 0);
  EXPECT_EQ(budget["admitted_blocks"], 0);
  EXPECT_EQ(budget["refused_blocks"], 0);
  EXPECT_FALSE(Model().contains("write_budget")) << "a daemon without one";
}

}  // namespace
}  // namespace halflife::e2e
