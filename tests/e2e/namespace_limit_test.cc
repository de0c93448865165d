// storage.dram.namespace_limits over a real halflifed: the floor and the ceiling hold while other
// namespaces press, and people and metrics are told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "common/strings.h"
#include "tests/e2e/command.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/scratch_directory.h"
#include "tests/server/node/http_get.h"

namespace halflife::e2e {
namespace {

using testing::HasSubstr;
using Json = nlohmann::json;

constexpr uint64_t kDramBytes = uint64_t{16} << 20;
constexpr uint64_t kFloorBytes = uint64_t{4} << 20;
constexpr uint64_t kCeilingBytes = uint64_t{2} << 20;

class NamespaceLimitsE2e : public testing::Test {
 protected:
  // 256 blocks of DRAM, and no SSD.
  void Start(const std::string& limits) {
    daemon_.emplace(Daemon::Options{.directory = scratch_.path(),
                                    .dram_bytes = kDramBytes,
                                    .ssd_quota_bytes = 0,
                                    .flags = {"--storage.dram.namespace_limits", limits}});
    const absl::Status started = daemon_->Start();
    ASSERT_TRUE(started.ok()) << started.message();
  }
  CommandResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--endpoint", daemon_->endpoint()});
    return RunHalflife(arguments);
  }
  // Looks up, gets and puts what this many requests of a chat name, in a namespace of this tag.
  Json Serve(const std::string& tag, int requests, int seed) {
    const CommandResult replayed =
        Run({"trace", "replay", "--profile", "chat", "-n", std::to_string(requests), "--seed",
             std::to_string(seed), "--tag", tag, "--payload", "64KiB", "--concurrency", "1", "-q",
             "-o", "json"});
    EXPECT_EQ(replayed.exit_code, 0) << replayed.err;
    return Json::parse(replayed.out, nullptr, false);
  }
  // The row of `halflife namespaces`.
  Json Namespace(const std::string& tag) {
    const CommandResult listed = Run({"namespaces", "-o", "json"});
    EXPECT_EQ(listed.exit_code, 0) << listed.err;
    for (const Json& row : Json::parse(listed.out, nullptr, false)) {
      if (row["tag"] == tag) return row;
    }
    ADD_FAILURE() << "no namespace " << tag << " in " << listed.out;
    return {};
  }
  std::string Page(const std::string& path) { return GetHttp(daemon_->AdminPort(), path).body; }

  ScratchDirectory scratch_{"namespace-limits"};
  std::optional<Daemon> daemon_;
};

TEST_F(NamespaceLimitsE2e, TheFloorIsKeptAndTheCeilingHeldWhileOthersPress) {
  Start("gold: tag=gold min_bytes=4MiB; batch: tag=batch max_bytes=2MiB");
  Serve("gold", 60, 1);
  const uint64_t before = Namespace("gold")["dram_bytes"];
  ASSERT_GT(before, kFloorBytes) << "enough to be pressed out of";

  for (int round = 0; round < 4; ++round) {
    Serve("flood", 150, 10 + round);  // several times what DRAM holds
    Serve("batch", 30, 20 + round);

    EXPECT_GE(Namespace("gold")["dram_bytes"], kFloorBytes) << round;
    EXPECT_LE(Namespace("batch")["dram_bytes"], kCeilingBytes) << round;
  }

  const Json gold = Namespace("gold"), batch = Namespace("batch"), flood = Namespace("flood");
  EXPECT_LT(gold["dram_bytes"], before) << "what is above the floor is given up";
  EXPECT_EQ(gold["limit"], "gold");
  EXPECT_EQ(gold["min_bytes"], kFloorBytes);
  EXPECT_TRUE(gold["max_bytes"].is_null());
  EXPECT_GT(batch["dram_bytes"], kCeilingBytes / 2) << "it has the use of its ceiling";
  EXPECT_EQ(batch["max_bytes"], kCeilingBytes);
  EXPECT_TRUE(batch["min_bytes"].is_null());
  EXPECT_EQ(flood["limit"], "") << "no rule takes it";

  const std::string metrics = Page("/metrics");
  EXPECT_THAT(metrics, HasSubstr(StrCat("halflife_namespace_limit_used_bytes{limit=\"gold\"} ",
                                        gold["limit_used_bytes"].get<uint64_t>(), "\n")));
  EXPECT_THAT(metrics, HasSubstr(StrCat("halflife_namespace_limit_used_bytes{limit=\"batch\"} ",
                                        batch["limit_used_bytes"].get<uint64_t>(), "\n")));
  EXPECT_THAT(metrics, HasSubstr("halflife_namespace_limit_min_bytes{limit=\"gold\"} 4194304\n"));
  EXPECT_THAT(metrics, HasSubstr("halflife_namespace_limit_max_bytes{limit=\"batch\"} 2097152\n"));
  EXPECT_THAT(Page("/statusz"), HasSubstr("Limits of namespaces"));
}

TEST_F(NamespaceLimitsE2e, WithoutAFloorTheSamePressureTakesMore) {
  Start("gold: tag=gold max_bytes=12MiB");
  Serve("gold", 60, 1);

  for (int round = 0; round < 4; ++round) Serve("flood", 150, 10 + round);

  EXPECT_LT(Namespace("gold")["dram_bytes"], kFloorBytes);
}

TEST_F(NamespaceLimitsE2e, ALimitThatCannotHoldIsRefusedAtTheStart) {
  daemon_.emplace(Daemon::Options{.directory = scratch_.path(),
                                  .dram_bytes = kDramBytes,
                                  .ssd_quota_bytes = 0,
                                  .flags = {"--storage.dram.namespace_limits",
                                            "gold: tag=gold min_bytes=4MiB max_bytes=2MiB"}});

  EXPECT_FALSE(daemon_->Start().ok());

  EXPECT_THAT(daemon_->LogTail(), HasSubstr("storage.dram.namespace_limits"));
}

}  // namespace
}  // namespace halflife::e2e
