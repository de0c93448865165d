#include "common/config/effective_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

namespace halflife {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

EffectiveConfig Resolved(const ConfigSources& sources) {
  auto config = ResolveConfig(sources);
  if (!config.ok()) {
    ADD_FAILURE() << config.status();
    return *ResolveConfig({});
  }
  return *std::move(config);
}

EffectiveConfig FromFile(const std::string& text) {
  return Resolved(
      {.file_name = "halflife.yaml", .file_text = text, .environment = {}, .flags = {}});
}

TEST(EffectiveConfig, WithoutAnySourceTheDefaultsHold) {
  const EffectiveConfig config = Resolved({});

  EXPECT_EQ(config.values().server.unix_socket, "/run/halflife/halflife.sock");
  EXPECT_EQ(config.values().server.tcp_listen, "");
  EXPECT_EQ(config.values().dram.budget_bytes, Config::kAuto);
  EXPECT_EQ(config.values().ssd.directory, "");
  EXPECT_EQ(config.values().admin_listen, "127.0.0.1:9461");
  EXPECT_EQ(config.values().server.drain_time, absl::Seconds(5));
  EXPECT_EQ(config.values().log.level, Severity::kInfo);
  EXPECT_EQ(config.Get("log.level").origin, ConfigOrigin::kDefault);
}

constexpr char kEverySetting[] = R"(
server:
  unix_socket: /tmp/a.sock
  shared_memory: false
  allowed_uids: 1000,1001
  allowed_gids: 7
  tcp_listen: "[::1]:50061"
  insecure_listen: true
  io_threads: 5
  max_connections: 7
  min_put_rate: 64KiB
  min_put_grace: 3s
  drain_time: 1500ms
  shutdown_grace: 2m
storage:
  policy: lru
  objective: time
  shadow_policies: lru
  category_pins: "vip: tenant=acme; late: turn=9+"
  max_block: 8MiB
  dram:
    budget: 1.5GiB
    huge_pages: false
    populate: all
    populate_rate: 1GiB
    free_target: 0.1
    max_pinned: 64MiB
    max_put: 32MiB
    put_room_wait: 1s
    namespace_limits: "gold: tenant=acme min_bytes=8MiB"
  ssd:
    directory: /data/
    quota: 2GiB
    direct_io: false
    io_uring: false
    read_timeout: 250ms
    crash_limit: 0
    write_budget: 0
    drive_size: 4TiB
    drive_writes_per_day: 0.5
admin:
  listen: 0.0.0.0:80
log: {level: warning, format: json}
security:
  secret_file: /etc/halflife/secret
)";

TEST(EffectiveConfig, EverySettingReachesItsTypedField) {
  const EffectiveConfig config = FromFile(kEverySetting);

  const Config& values = config.values();
  EXPECT_EQ(values.server.unix_socket, "/tmp/a.sock");
  EXPECT_EQ(values.server.tcp_listen, "[::1]:50061");
  EXPECT_TRUE(values.server.insecure_listen);
  EXPECT_EQ(values.server.io_threads, 5);
  EXPECT_EQ(values.server.max_connections, 7);
  EXPECT_FALSE(values.server.shared_memory);
  EXPECT_EQ(values.server.min_put_bytes_per_s, 64 << 10);
  EXPECT_EQ(values.server.min_put_grace, absl::Seconds(3));
  EXPECT_EQ(values.max_block_bytes, 8 << 20);
  EXPECT_EQ(values.server.drain_time, absl::Milliseconds(1500));
  EXPECT_EQ(values.server.shutdown_grace, absl::Minutes(2));
  EXPECT_EQ(values.policy, "lru");
  EXPECT_EQ(values.objective, "time");
  EXPECT_EQ(values.shadow_policies, "lru");
  EXPECT_EQ(values.category_pins, "vip: tenant=acme; late: turn=9+");
  EXPECT_EQ(values.dram.budget_bytes, int64_t{3} << 29);
  EXPECT_FALSE(values.dram.huge_pages);
  EXPECT_DOUBLE_EQ(values.dram.free_target_ratio, 0.1);
  EXPECT_EQ(values.dram.max_pinned_bytes, 64 << 20);
  EXPECT_EQ(values.dram.max_put_bytes, 32 << 20);
  EXPECT_EQ(values.dram.put_room_wait, absl::Seconds(1));
  EXPECT_EQ(values.dram.namespace_limits, "gold: tenant=acme min_bytes=8MiB");
  EXPECT_EQ(values.dram.populate, "all");
  EXPECT_EQ(values.dram.populate_bytes_per_s, int64_t{1} << 30);
  EXPECT_EQ(values.ssd.directory, "/data");
  EXPECT_EQ(values.ssd.quota_bytes, int64_t{2} << 30);
  EXPECT_FALSE(values.ssd.direct_io);
  EXPECT_FALSE(values.ssd.io_uring);
  EXPECT_EQ(values.ssd.read_timeout, absl::Milliseconds(250));
  EXPECT_EQ(values.ssd.crash_limit, 0);
  EXPECT_EQ(values.ssd.write_budget_bytes_per_day, 0);
  EXPECT_EQ(values.ssd.drive_bytes, int64_t{4} << 40);
  EXPECT_DOUBLE_EQ(values.ssd.drive_writes_per_day, 0.5);
  EXPECT_EQ(values.admin_listen, "0.0.0.0:80");
  EXPECT_EQ(values.log.level, Severity::kWarning);
  EXPECT_EQ(values.log.format, Config::LogFormat::kJson);
  EXPECT_EQ(values.secret_file, "/etc/halflife/secret");
  for (const EffectiveSetting& effective : config.settings()) {
    EXPECT_EQ(effective.origin, ConfigOrigin::kFile)
        << effective.setting->key << " is not in the test";
  }
}

TEST(EffectiveConfig, AWriteBudgetIsSaidInBytesPerDayOrByTheDrive) {
  const auto per_day = [](const std::string& ssd) {
    return Resolved({.file_name = "f",
                     .file_text = "storage:\n  ssd: {directory: /data" + ssd + "}\n",
                     .environment = {},
                     .flags = {}})
        .values()
        .ssd.bytes_per_day();
  };

  EXPECT_EQ(per_day(""), 0u);
  EXPECT_EQ(per_day(", write_budget: 3TiB"), uint64_t{3} << 40);
  EXPECT_EQ(per_day(", drive_size: 4TiB"), uint64_t{4} << 40);
  EXPECT_EQ(per_day(", drive_size: 4TiB, drive_writes_per_day: 2.5"), uint64_t{10} << 40);
  EXPECT_EQ(per_day(", drive_writes_per_day: 3"), 0u);
}

TEST(EffectiveConfig, LaterSourcesWinAndTheirOriginIsKept) {
  ConfigSources sources{
      .file_name = "halflife.yaml",
      .file_text = "server:\n  min_put_rate: 2\n  io_threads: 2\n  max_connections: 2\n",
      .environment = {{"HALFLIFE_SERVER_IO_THREADS", "3"},
                      {"HALFLIFE_SERVER_MAX_CONNECTIONS", "3"}},
      .flags = {{"server.max_connections", "4"}}};

  const EffectiveConfig config = Resolved(sources);

  EXPECT_EQ(config.values().server.min_put_bytes_per_s, 2);
  EXPECT_EQ(config.values().server.io_threads, 3);
  EXPECT_EQ(config.values().server.max_connections, 4);
  EXPECT_EQ(config.Get("server.min_put_rate").where, "halflife.yaml:2:17");
  EXPECT_EQ(config.Get("server.io_threads").where, "HALFLIFE_SERVER_IO_THREADS");
  EXPECT_EQ(config.Get("server.io_threads").origin, ConfigOrigin::kEnvironment);
  EXPECT_EQ(config.Get("server.max_connections").where, "--server.max_connections");
  EXPECT_EQ(config.Get("server.max_connections").origin, ConfigOrigin::kFlag);
  EXPECT_EQ(config.Get("server.drain_time").where, "default");
}

TEST(EffectiveConfig, ABadValueInTheEnvironmentOrAFlagNamesItsSource) {
  const auto config =
      ResolveConfig({.file_name = "",
                     .file_text = "",
                     .environment = {{"HALFLIFE_LOG_LEVEL", "loud"}},
                     .flags = {{"server.io_threads", "many"}, {"log.levle", "info"}}});

  const std::string message(config.status().message());
  EXPECT_THAT(message, HasSubstr("HALFLIFE_LOG_LEVEL: log.level: \"loud\""));
  EXPECT_THAT(message, HasSubstr("--server.io_threads: \"many\""));
  EXPECT_THAT(message, HasSubstr("--log.levle: unknown setting; did you mean --log.level?"));
}

TEST(EffectiveConfig, AMisspeltVariableIsAnErrorButOtherProgramsVariablesAreNot) {
  const auto misspelt = ResolveConfig({.file_name = "",
                                       .file_text = "",
                                       .environment = {{"HALFLIFE_LOG_LEVLE", "info"}},
                                       .flags = {}});
  const auto foreign =
      ResolveConfig({.file_name = "",
                     .file_text = "",
                     .environment = {{"HALFLIFE_PORT", "tcp://10.0.0.1:50061"},
                                     {"HALFLIFE_SERVER_SERVICE_HOST", "10.0.0.1"},
                                     {"HALFLIFE_SERVER_PORT_50061_TCP", "tcp://10.0.0.1:50061"},
                                     {"HALFLIFE_TARGET", "unix:/x"}},
                     .flags = {}});

  EXPECT_THAT(std::string(misspelt.status().message()),
              HasSubstr("did you mean HALFLIFE_LOG_LEVEL?"));
  EXPECT_TRUE(foreign.ok()) << foreign.status();
}

TEST(EffectiveConfig, AnEmptyOrCommentedOutFileChangesNothing) {
  for (const char* text :
       {"", "\n", "# nothing\n", "---\n", "storage:\n#  policy: lru\n", "{}\n"}) {
    EXPECT_THAT(CompareConfigs(Resolved({}), FromFile(text)).need_a_restart, IsEmpty()) << text;
  }
}

TEST(EffectiveConfig, ThePrintedConfigurationReadsBackAsItself) {
  const EffectiveConfig config =
      Resolved({.file_name = "",
                .file_text = "",
                .environment = {{"HALFLIFE_STORAGE_DRAM_BUDGET", "1.5GiB"}},
                .flags = {{"server.unix_socket", "/tmp/a \"b\"\\.sock"}}});

  const std::string printed = config.ToYaml();
  const EffectiveConfig again = FromFile(printed);

  EXPECT_THAT(printed,
              HasSubstr("storage:\n  policy: model  # default\n  objective: hits  # "
                        "default\n  shadow_policies: \"\"  # default\n  category_pins: \"\"  # "
                        "default\n  max_block: 128MiB  # "
                        "default\n  dram:\n    budget: 1536MiB  # "
                        "HALFLIFE_STORAGE_DRAM_BUDGET\n"));
  EXPECT_THAT(CompareConfigs(config, again).need_a_restart, IsEmpty());
  EXPECT_THAT(CompareConfigs(config, again).applied, IsEmpty());
}

TEST(EffectiveConfig, ThePrintedDefaultsReadBackAsTheDefaultsAndExplainEverySetting) {
  const std::string printed = DefaultConfigYaml();

  EXPECT_THAT(CompareConfigs(Resolved({}), FromFile(printed)).need_a_restart, IsEmpty()) << printed;
  for (const Setting& setting : Settings()) {
    EXPECT_THAT(printed, HasSubstr("Environment: " + EnvironmentNameOf(setting)));
  }
}

TEST(EffectiveConfig, IdsAreListsAndTheFloorOfPutsMayBeNone) {
  const EffectiveConfig config =
      FromFile("server:\n  allowed_uids: 1000, 1001\n  allowed_gids: \"7\"\n  min_put_rate: 0\n");

  EXPECT_THAT(config.values().server.allowed_uids, ElementsAre(1000, 1001));
  EXPECT_THAT(config.values().server.allowed_gids, ElementsAre(7));
  EXPECT_EQ(config.values().server.min_put_bytes_per_s, 0);
  EXPECT_EQ(config.Get("server.allowed_uids").value.text, "1000,1001");
  EXPECT_THAT(FromFile("").values().server.allowed_uids, IsEmpty());
  EXPECT_EQ(FromFile("").values().max_block_bytes, 128 << 20);
}

TEST(EffectiveConfig, AReloadAppliesTheReloadableSubsetAndNamesTheRest) {
  const ConfigChanges changes = CompareConfigs(
      FromFile("log:\n  level: info\n"),
      FromFile("log:\n  level: debug\nserver:\n  io_threads: 3\n  drain_time: 5000ms\n"));

  EXPECT_THAT(changes.applied, ElementsAre("log.level"));
  EXPECT_THAT(changes.need_a_restart, ElementsAre("server.io_threads"));
}

TEST(ReadConfigFile, AMissingFileAndADirectoryAreNamed) {
  ConfigSources sources;

  EXPECT_THAT(std::string(ReadConfigFile("/nonexistent/halflife.yaml", sources).message()),
              HasSubstr("/nonexistent/halflife.yaml: No such file"));
  EXPECT_FALSE(ReadConfigFile("/", sources).ok());
}

TEST(SettingsTable, HasUniqueKeysLimitsThatParseAndADocumentForEach) {
  std::set<std::string> names;
  for (const Setting& setting : Settings()) {
    EXPECT_TRUE(names.insert(EnvironmentNameOf(setting)).second) << setting.key;
    EXPECT_TRUE(ParseSettingValue(setting, setting.default_text).ok()) << setting.key;
    EXPECT_GT(setting.doc.size(), 40u) << setting.key;
    for (const std::string_view limit : {setting.minimum, setting.maximum}) {
      if (!limit.empty()) EXPECT_TRUE(ParseSettingValue(setting, limit).ok()) << setting.key;
    }
  }
}

TEST(SettingsTable, AValueAtALimitIsTakenAndOneBeyondIsNot) {
  const Setting& threads = *FindSetting("server.io_threads");
  const Setting& budget = *FindSetting("storage.dram.budget");

  EXPECT_TRUE(ParseSettingValue(threads, "1").ok());
  EXPECT_TRUE(ParseSettingValue(threads, "64").ok());
  EXPECT_FALSE(ParseSettingValue(threads, "65").ok());
  EXPECT_TRUE(ParseSettingValue(budget, "16777216").ok());
  EXPECT_FALSE(ParseSettingValue(budget, "16777215").ok());
}

TEST(SettingsTable, ASocketPathMustFitIntoASocketAddress) {
  const Setting& socket = *FindSetting("server.unix_socket");

  EXPECT_TRUE(ParseSettingValue(socket, "/" + std::string(106, 'x')).ok());
  EXPECT_FALSE(ParseSettingValue(socket, "/" + std::string(107, 'x')).ok());
}

TEST(ParseAddress, KnowsLoopback) {
  EXPECT_TRUE(ParseAddress("127.0.0.1:1")->loopback);
  EXPECT_TRUE(ParseAddress("127.8.0.1:1")->loopback);
  EXPECT_TRUE(ParseAddress("[::1]:1")->loopback);
  EXPECT_FALSE(ParseAddress("0.0.0.0:1")->loopback);
  EXPECT_FALSE(ParseAddress("[::]:1")->loopback);
  EXPECT_FALSE(ParseAddress("[::ffff:10.0.0.1]:1")->loopback);
  EXPECT_EQ(ParseAddress("[::1]:9461")->host, "::1");
}

}  // namespace
}  // namespace halflife
