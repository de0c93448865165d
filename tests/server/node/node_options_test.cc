#include "server/node_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/config/effective_config.h"

namespace halflife {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kGiB = uint64_t{1} << 30;

Config Configured(std::vector<std::pair<std::string, std::string>> flags = {}) {
  ConfigSources sources;
  sources.flags = std::move(flags);
  return ResolveConfig(sources)->values();
}

TEST(NodeOptions, AutoTakesItsValueFromTheMachine) {
  const MachineLimits machine{.memory_bytes = 4 * kGiB, .processors = 6, .open_files = 65536};
  const Config config = Configured();

  EXPECT_EQ(DramBudgetOf(config, machine), 4 * kGiB / 10 * 7);
  EXPECT_EQ(StoreOptionsOf(config, machine).max_put_bytes, 0u)
      << "0 asks the store for its own share";
}

TEST(NodeOptions, LittleIsKeptFreeWhereNothingHasToBeWrittenFirst) {
  const MachineLimits machine{.memory_bytes = kGiB, .processors = 2, .open_files = 65536};
  Config config;
  EXPECT_EQ(StoreOptionsOf(config, machine).free_target_ratio, 0.01);
  EXPECT_EQ(StoreOptionsOf(config, machine).free_ahead_s, 0.001);
  config.ssd.directory = "/somewhere";
  EXPECT_EQ(StoreOptionsOf(config, machine).free_target_ratio, 0.04);
  EXPECT_EQ(StoreOptionsOf(config, machine).free_ahead_s, 2);
  config.dram.free_target_ratio = 0.1;
  EXPECT_EQ(StoreOptionsOf(config, machine).free_target_ratio, 0.1);
}

TEST(NodeOptions, EveryOptionOfTheDefaultsIsValid) {
  const MachineLimits machine{.memory_bytes = 4 * kGiB, .processors = 2, .open_files = 65536};
  const Config config = Configured({{"storage.ssd.directory", "/data"}});

  EXPECT_TRUE(ArenaOptionsOf(config, machine).Validate().ok());
  EXPECT_TRUE(SsdOptionsOf(config).Validate().ok());
  EXPECT_TRUE(StoreOptionsOf(config, machine).Validate().ok());
  EXPECT_TRUE(RpcOptionsOf(config, machine).Validate().ok());
  EXPECT_EQ(SecretSourceOf(config).default_file, "/data/tenant.secret");
}

TEST(NodeOptions, FewFilesLowerTheConnectionsAndSaySo) {
  const MachineLimits machine{.memory_bytes = 64 * kGiB, .processors = 2, .open_files = 300};

  EXPECT_EQ(RpcOptionsOf(Configured(), machine).max_connections, 44);
  EXPECT_THAT(ShortfallsOf(Configured(), machine),
              ElementsAre(HasSubstr("lowered from 512 to 44")));
  EXPECT_EQ(RpcOptionsOf(Configured(), {.memory_bytes = kGiB, .processors = 1, .open_files = 64})
                .max_connections,
            1);
}

TEST(NodeOptions, ABudgetAboveTheMemoryLimitIsTold) {
  const MachineLimits machine{.memory_bytes = kGiB, .processors = 2, .open_files = 65536};

  EXPECT_THAT(ShortfallsOf(Configured({{"storage.dram.budget", "1GiB"}}), machine),
              ElementsAre(HasSubstr("more than the memory limit")));
  EXPECT_THAT(ShortfallsOf(Configured({{"storage.dram.budget", "512MiB"}}), machine), IsEmpty());
}

}  // namespace
}  // namespace halflife
