#include "tests/e2e/file_damager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {
namespace {

namespace fs = std::filesystem;

class FileDamagerTest : public testing::Test {
 protected:
  void Write(const std::string& name, size_t size) {
    const fs::path path = fs::path(scratch_.path()) / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << std::string(size, 'x');
  }
  std::string Read(const std::string& name) const {
    std::ifstream file(fs::path(scratch_.path()) / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  ScratchDirectory scratch_{"damager-test"};
};

TEST_F(FileDamagerTest, EveryDamageChangesSomething) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Write("ssd/0/00000001-8192.slots", 50'000);
    FileDamager damager(scratch_.path() + "/ssd", seed);

    const auto damage = damager.DamageOne();

    ASSERT_TRUE(damage.has_value());
    EXPECT_NE(Read("ssd/0/00000001-8192.slots"), std::string(50'000, 'x')) << *damage;
    EXPECT_EQ(damager.counts().size(), 1u);
  }
}

TEST_F(FileDamagerTest, NothingOutsideTheDirectoryNorTheSecretIsTouched) {
  Write("neighbour", 1000);
  Write("ssd/tenant.secret", 32);
  Write("ssd/LOCK.halflife", 10);
  FileDamager damager(scratch_.path() + "/ssd", 1);

  for (int i = 0; i < 100; ++i) {
    Write("ssd/1/000012.sst", 1000);
    Write("ssd/2/000013.sst", 2000);
    ASSERT_TRUE(damager.DamageOne().has_value());
  }

  EXPECT_EQ(Read("neighbour"), std::string(1000, 'x'));
  EXPECT_EQ(Read("ssd/tenant.secret"), std::string(32, 'x'));
  EXPECT_EQ(Read("ssd/LOCK.halflife"), std::string(10, 'x'));
}

TEST_F(FileDamagerTest, AnEmptyDirectoryIsLeftAlone) {
  EXPECT_EQ(FileDamager(scratch_.path(), 1).DamageOne(), std::nullopt);
}

TEST_F(FileDamagerTest, TheSeedDecides) {
  std::vector<std::string> runs[2];
  for (auto& run : runs) {
    for (const char* name : {"ssd/0/1-4096.slots", "ssd/1/1-4096.slots", "ssd/1/7.sst"}) {
      Write(name, 9000);
    }
    FileDamager damager(scratch_.path() + "/ssd", 42);
    for (int i = 0; i < 5; ++i) run.push_back(damager.DamageOne().value_or("nothing"));
  }

  EXPECT_EQ(runs[0], runs[1]);
}

}  // namespace
}  // namespace halflife::e2e
