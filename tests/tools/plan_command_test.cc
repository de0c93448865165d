#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/tools/run_halflife.h"
#include "tests/tools/trace_file.h"
#include "tools/cli/app.h"
#include "tools/cli/exit_code.h"

namespace halflife::tools {
namespace {

using testing::HasSubstr;
using testing::Not;
using Json = nlohmann::json;

// 2,000 requests, one a second: every other one for one of ten blocks in turn, the rest for blocks
// that never come back. 990 of 2,000 references can hit.
std::string TraceText() {
  std::string text =
      "# halflife-trace 1 block_tokens=512 "
      "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n";
  for (int i = 0; i < 2000; ++i) {
    const int block = i % 2 == 0 ? 1 + i / 2 % 10 : 1000 + i;
    const std::string number = std::to_string(i + 1);
    text += number + "|user|1|" + number + "|-1|512|1|end|" + std::to_string(block) + "\n";
  }
  return text;
}

Json Planned(const std::vector<std::string>& options) {
  const TraceFile file("t.ct", TraceText());
  std::vector<std::string> arguments = {"plan", file.path(), "--output", "json"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Ran ran = RunHalflife(arguments);
  EXPECT_EQ(ran.exit_code, kExitOk) << ran.err;
  return Json::parse(ran.out, nullptr, false);
}

Json SizeOf(const Json& plan, const std::string& policy) {
  for (const Json& size : plan["sizes"]) {
    if (size["policy"] == policy) return size;
  }
  ADD_FAILURE() << "no size for " << policy;
  return {};
}

TEST(PlanCommand, PrintsThreeSizesAndALowerBound) {
  const Json plan = Planned({"--target-hit", "45%"});

  EXPECT_EQ(plan["plan"]["target_hit_ratio"], 0.45);
  EXPECT_EQ(plan["plan"]["ceiling_hit_ratio"], 0.495);
  // Ten blocks come back after 20 s each, between ten others that do not.
  EXPECT_NEAR(SizeOf(plan, "optimum")["capacity_blocks"], 11, 2);
  EXPECT_NEAR(SizeOf(plan, "floor")["capacity_blocks"], 10, 3);
  EXPECT_NEAR(SizeOf(plan, "lru")["capacity_blocks"], 20, 6);
  EXPECT_LE(SizeOf(plan, "halflife")["capacity_blocks"], SizeOf(plan, "lru")["capacity_blocks"]);
}

TEST(PlanCommand, PrintsNumbersThatFollowFromTheOthers) {
  const Json plan = Planned({"--target-hit", "0.4"});
  const Json& of = plan["plan"];
  const Json& assumed = plan["assumptions"];

  const double block_bytes = assumed["token_bytes"].get<double>() * of["block_tokens"].get<int>();
  EXPECT_EQ(of["block_bytes"], block_bytes);
  for (const Json& size : plan["sizes"]) {
    const double blocks = size["capacity_blocks"];
    EXPECT_DOUBLE_EQ(size["capacity_bytes"], blocks * block_bytes);
    EXPECT_DOUBLE_EQ(size["capacity_ratio"], blocks / of["unique_blocks"].get<double>());
  }
  const Json& tiers = plan["tiers"];
  EXPECT_NEAR(tiers["dram_blocks"].get<double>() + tiers["ssd_blocks"].get<double>(),
              SizeOf(plan, "halflife")["capacity_blocks"], 1);
  EXPECT_NEAR(tiers["dram_hit_ratio"].get<double>() + tiers["ssd_hit_ratio"].get<double>(),
              of["target_hit_ratio"], .02);
  const Json& endurance = plan["endurance"];
  const double days = of["duration_seconds"].get<double>() / 86400;
  EXPECT_NEAR(endurance["ssd_written_bytes_per_day"].get<double>(),
              endurance["ssd_written_blocks"].get<double>() * block_bytes / days,
              block_bytes / days);
  EXPECT_NEAR(endurance["budget_bytes_per_day"].get<double>(),
              assumed["drive_bytes"].get<double>() * assumed["drive_writes_per_day"].get<double>() /
                  assumed["write_amplification"].get<double>(),
              1);
  const Json& next = plan["next_gib"];
  const double hours = of["duration_seconds"].get<double>() / 3600;
  EXPECT_NEAR(
      next["hit_points"].get<double>(),
      100 * next["hit_blocks_per_hour"].get<double>() * hours / of["lookup_blocks"].get<double>(),
      1e-9);
  EXPECT_NEAR(next["saved_usd_per_hour"].get<double>(),
              next["saved_recompute_seconds_per_hour"].get<double>() / 3600 *
                  assumed["gpu_usd_per_hour"].get<double>(),
              1e-9);
}

TEST(PlanCommand, PrintsTheErrorBarOfItsOwnCurve) {
  const Json plan = Planned({"--target-hit", "0.4"});

  double error = 0;
  for (const Json& point : plan["curve"]) {
    if (point["capacity_ratio"] < .005) continue;
    error = std::max(error, std::abs(point["lru_hit_ratio"].get<double>() -
                                     point["exact_lru_hit_ratio"].get<double>()));
  }

  EXPECT_DOUBLE_EQ(plan["plan"]["error_bar_ratio"], error);
}

TEST(PlanCommand, PlansForAMeanTimeToFirstToken) {
  // A block takes 512 tokens x 44.9 us = 23 ms to compute. With 40 % of hits 60 % are computed, and
  // the rest read in 3.1 ms each: 15 ms.
  const Json plan = Planned({"--ttft", "15ms"});

  EXPECT_NEAR(plan["plan"]["target_hit_ratio"], .4, .03);
  EXPECT_LE(plan["tiers"]["mean_ttft_seconds"], .0151);
}

TEST(PlanCommand, AddsTheBacktestAndWhatWasObserved) {
  const Json plan = Planned({"--target-hit", "0.4", "--backtest", "--observed", "50%=49%"});

  ASSERT_FALSE(plan["backtest"].empty());
  for (const Json& row : plan["backtest"]) {
    EXPECT_NEAR(
        row["error_points"].get<double>(),
        100 * (row["predicted_hit_ratio"].get<double>() - row["simulated_hit_ratio"].get<double>()),
        1e-9);
  }
  ASSERT_EQ(plan["observed"].size(), 1u);
  EXPECT_EQ(plan["observed"][0]["observed_hit_ratio"], .49);
  EXPECT_NEAR(plan["observed"][0]["error_points"], 0, 2);
}

TEST(PlanCommand, PrintsTheEvidenceOnlyWhenAsked) {
  EXPECT_FALSE(Planned({"--target-hit", "0.4"}).contains("life_tables"));

  const Json plan = Planned({"--target-hit", "0.4", "--evidence"});

  double opened = 0;
  for (const Json& row : plan["openings"]) opened += row["intervals"].get<double>();
  EXPECT_EQ(opened, 2000);
  double hits = 0;
  for (const Json& row : plan["life_tables"]) hits += row["hits"].get<double>();
  EXPECT_EQ(hits, 990);
}

TEST(PlanCommand, ASlowOrShortLivedDriveIsNotWorthIt) {
  const Json slow = Planned({"--target-hit", "0.4", "--ssd-read", "1MiB"});
  EXPECT_EQ(slow["tiers"]["ssd_blocks"], 0);
  EXPECT_THAT(slow["tiers"]["advice"].get<std::string>(), HasSubstr("not worth it"));

  const Json worn = Planned({"--target-hit", "0.4", "--drive", "1GiB", "--ssd-read", "20GiB"});
  EXPECT_EQ(worn["tiers"]["ssd_blocks"], 0);
  EXPECT_GT(worn["endurance"]["budget_used_ratio"], 1);
}

TEST(PlanCommand, SaysWhatIsWrongAndWhatToDo) {
  const TraceFile file("t.ct", TraceText());
  const auto error_of = [&file](std::vector<std::string> options) {
    std::vector<std::string> arguments = {"plan", file.path()};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Ran ran = RunHalflife(arguments);
    EXPECT_EQ(ran.exit_code, kExitUsage);
    EXPECT_EQ(ran.out, "");
    return ran.err;
  };

  EXPECT_THAT(error_of({}), HasSubstr("give --target-hit 0.5"));
  EXPECT_THAT(error_of({"--target-hit", "0"}), HasSubstr("above 0"));
  EXPECT_THAT(error_of({"--target-hit", "half"}), HasSubstr("--target-hit: 'half'"));
  EXPECT_THAT(error_of({"--target-hit", "0.6"}), HasSubstr("keeps everything hits 49.5 %"));
  EXPECT_THAT(error_of({"--ttft", "1ms"}), HasSubstr("--recompute-token-us"));
  EXPECT_THAT(error_of({"--ttft", "soon"}), HasSubstr("soon"));
  EXPECT_THAT(error_of({"--target-hit", "0.4", "--ttft", "1s"}), HasSubstr("--ttft"));
  EXPECT_THAT(error_of({"--target-hit", "0.4", "--live"}), HasSubstr("--backtest"));
  EXPECT_THAT(error_of({"--target-hit", "0.4", "--backtest", "--observed", "3"}),
              HasSubstr("CAPACITY=SHARE"));
  EXPECT_THAT(error_of({"--target-hit", "0.4", "--token-bytes", "0"}), HasSubstr("--token-bytes"));
}

TEST(PlanCommand, RefusesATraceInWhichNoTimePasses) {
  const TraceFile file("t.ct",
                       "# halflife-trace 1 block_tokens=512 "
                       "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n"
                       "1|user|1|1|-1|512|1|end|1\n1|user|1|2|-1|512|1|end|1\n");

  const Ran ran = RunHalflife({"plan", file.path(), "--target-hit", "0.4"});

  EXPECT_EQ(ran.exit_code, kExitUsage);
  EXPECT_THAT(ran.err, HasSubstr("all requests are of one time"));
}

TEST(PlanCommand, ALiveBacktestNeedsADaemon) {
  const TraceFile file("t.ct", TraceText());

  const Ran ran = RunHalflife({"--endpoint", "unix:///tmp/halflife-no-daemon-here.sock", "plan",
                               file.path(), "--target-hit", "0.4", "--backtest", "--live"});

  EXPECT_EQ(ran.exit_code, kExitUnavailable);
  EXPECT_THAT(ran.err, HasSubstr("halflife-no-daemon-here"));
}

TEST(PlanCommand, PrintsFewerColumnsForPeople) {
  const TraceFile file("t.ct", TraceText());

  const Ran ran = RunHalflife({"plan", file.path(), "--target-hit", "0.4"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("halflife hit ratio"));
  EXPECT_THAT(ran.out, Not(HasSubstr("steady")));
}

}  // namespace
}  // namespace halflife::tools
