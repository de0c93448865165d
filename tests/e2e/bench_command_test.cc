// `halflife bench` against a real halflifed: over each path, and that it leaves nothing behind.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/e2e/command.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using Arguments = std::vector<std::string>;

class BenchCommandTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new ScratchDirectory("bench");
    daemon_ = new Daemon({.directory = scratch_->path(), .ssd_quota_bytes = 0});
    const absl::Status started = daemon_->Start();
    ASSERT_TRUE(started.ok()) << started.message();
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete scratch_;
  }

  // A small run with these arguments instead of, or besides, the usual ones.
  static Arguments Bench(const Arguments& arguments) {
    Arguments all = {"bench"};
    const Arguments usual[] = {
        {"--endpoint", daemon_->endpoint()}, {"--block-size", "64KiB"}, {"--blocks", "4"},
        {"--working-set", "4MiB"},           {"--warm-up", "0"},        {"-o", "json"}};
    for (const Arguments& option : usual) {
      if (std::find(arguments.begin(), arguments.end(), option[0]) != arguments.end()) continue;
      all.insert(all.end(), option.begin(), option.end());
    }
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  static json Namespaces() {
    return json::parse(
        RunHalflife({"namespaces", "-o", "json", "--endpoint", daemon_->endpoint()}).out);
  }
  static uint64_t BlocksInDram() {
    const json stats =
        json::parse(RunHalflife({"stats", "-o", "json", "--endpoint", daemon_->endpoint()}).out);
    return stats["tiers"][0]["blocks"];
  }

  static ScratchDirectory* scratch_;
  static Daemon* daemon_;
};

ScratchDirectory* BenchCommandTest::scratch_ = nullptr;
Daemon* BenchCommandTest::daemon_ = nullptr;

TEST_F(BenchCommandTest, MeasuresEveryPathAndLeavesNothingBehind) {
  for (const std::string path : {"shm", "unix"}) {
    SCOPED_TRACE(path);

    const CommandResult result = RunHalflife(
        Bench({"--path", path, "-n", "100", "--read-share", "0.5", "--concurrency", "2"}));

    ASSERT_EQ(result.exit_code, 0) << result.err;
    const json report = json::parse(result.out);
    const json& get = report["calls"][0];
    const json& put = report["calls"][1];
    EXPECT_EQ(get["call"], "Get");
    EXPECT_EQ(put["call"], "Put");
    EXPECT_EQ(get["path"], path);
    EXPECT_EQ(get["calls"].get<int>() + put["calls"].get<int>(), 100);
    EXPECT_EQ(get["hit_ratio"], 1.0);
    EXPECT_GT(get["bytes_per_second"], 0);
    EXPECT_GT(get["p50_us"], 0);
    EXPECT_LE(get["p50_us"], get["p999_us"]);
    EXPECT_LE(get["p999_us"], get["max_us"]);
    EXPECT_EQ(report["outcomes"][0]["wrong_blocks"], 0);
    EXPECT_EQ(report["outcomes"][1]["refused"], 0);
    EXPECT_EQ(Namespaces(), json::array());
    EXPECT_EQ(BlocksInDram(), 0u);
  }
}

TEST_F(BenchCommandTest, ReadsByFetchOverTheSocketIfItShall) {
  const CommandResult result =
      RunHalflife(Bench({"--fetch", "-n", "100", "--read-share", "0.5", "--concurrency", "2"}));

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  EXPECT_EQ(report["calls"][0]["call"], "Fetch");
  EXPECT_EQ(report["calls"][1]["call"], "Put");
  EXPECT_EQ(report["calls"][0]["path"], "unix");
  EXPECT_EQ(report["calls"][0]["hit_ratio"], 1.0);
  EXPECT_EQ(report["outcomes"][0]["wrong_blocks"], 0);
  EXPECT_EQ(Namespaces(), json::array());
}

TEST_F(BenchCommandTest, SeveralSizesAreSeveralRows) {
  const CommandResult result =
      RunHalflife(Bench({"--block-size", "4KiB,16KiB", "-n", "10", "--verify", "off"}));

  ASSERT_EQ(result.exit_code, 0) << result.err;
  const json report = json::parse(result.out);
  ASSERT_EQ(report["calls"].size(), 2u);
  EXPECT_EQ(report["calls"][0]["block_bytes"], 4096);
  EXPECT_EQ(report["calls"][1]["block_bytes"], 16384);
  EXPECT_EQ(report["runs"][0]["verify"], false);
}

TEST_F(BenchCommandTest, AnInterruptEndsItWithFiguresAndDeletesItsBlocks) {
  RunningHalflife bench(Bench({"--duration", "1h"}));
  // Its namespace is there as soon as it puts.
  while (BlocksInDram() == 0) {
  }
  const json during = Namespaces();

  bench.Signal(SIGINT);
  const CommandResult result = bench.Wait();

  ASSERT_EQ(during.size(), 1u);
  EXPECT_EQ(during[0]["engine"], "halflife-bench");
  EXPECT_EQ(result.exit_code, 5);
  EXPECT_THAT(result.err, HasSubstr("interrupted"));
  EXPECT_TRUE(json::accept(result.out)) << result.out;
  EXPECT_EQ(Namespaces(), json::array());
  EXPECT_EQ(BlocksInDram(), 0u);
}

TEST_F(BenchCommandTest, SharedMemoryThatIsNotThereIsExitCodeThree) {
  const ScratchDirectory scratch("bench-no-shm");
  Daemon without({.directory = scratch.path(),
                  .ssd_quota_bytes = 0,
                  .flags = {"--server.shared_memory", "false"}});
  ASSERT_TRUE(without.Start().ok());

  const CommandResult required =
      RunHalflife(Bench({"--endpoint", without.endpoint(), "--path", "shm", "-n", "1"}));
  const CommandResult automatic =
      RunHalflife(Bench({"--endpoint", without.endpoint(), "--path", "auto", "-n", "1"}));

  EXPECT_EQ(required.exit_code, 3);
  EXPECT_THAT(required.err, HasSubstr("no shared memory"));
  ASSERT_EQ(automatic.exit_code, 0) << automatic.err;
  EXPECT_EQ(json::parse(automatic.out)["calls"][0]["path"], "unix");
  EXPECT_TRUE(without.Terminate().ok());
}

}  // namespace
}  // namespace halflife::e2e
