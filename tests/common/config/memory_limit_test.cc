#include "common/config/memory_limit.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace halflife {
namespace {

constexpr uint64_t kMiB = uint64_t{1} << 20;
constexpr uint64_t kGiB = uint64_t{1} << 30;

// A machine made of files.
class MemoryLimitTest : public ::testing::Test {
 protected:
  void SetUp() override {
    root_ = std::filesystem::path(::testing::TempDir()) /
            (std::string("memory_limit_") +
             ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(root_);
    Write("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree:        1 kB\n");
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    const std::filesystem::path full = root_.string() + path;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text;
  }

  MemoryLimit Limit() const { return ReadMemoryLimit(root_.string()); }

  std::filesystem::path root_;
};

TEST_F(MemoryLimitTest, WithoutCgroupsThePhysicalMemoryCounts) {
  EXPECT_EQ(Limit().bytes, 16 * kGiB);
  EXPECT_EQ(Limit().source, "physical memory");
}

TEST_F(MemoryLimitTest, TheSmallestLimitUpTheV2HierarchyCounts) {
  Write("/proc/self/cgroup", "0::/pod/container\n");
  Write("/sys/fs/cgroup/pod/container/memory.max", "max\n");
  Write("/sys/fs/cgroup/pod/memory.max", "2147483648\n");

  EXPECT_EQ(Limit().bytes, 2 * kGiB);
  EXPECT_EQ(Limit().source, "cgroup v2 /pod");
}

TEST_F(MemoryLimitTest, AV1LimitCounts) {
  Write("/proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/docker/abc\n0::/x\n");
  Write("/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "1073741824\n");

  EXPECT_EQ(Limit().bytes, kGiB);
  EXPECT_EQ(Limit().source, "cgroup v1 /docker/abc");
}

TEST_F(MemoryLimitTest, InAContainerThePathOfTheHostFallsBackToTheMount) {
  Write("/proc/self/cgroup", "0::/kubepods/of/the/host\n");
  Write("/sys/fs/cgroup/memory.max", "3221225472\n");

  EXPECT_EQ(Limit().bytes, 3 * kGiB);
}

TEST_F(MemoryLimitTest, AV1NumberThatMeansUnlimitedDoesNotCount) {
  Write("/proc/self/cgroup", "4:memory:/\n");
  Write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");

  EXPECT_EQ(Limit().bytes, 16 * kGiB);
}

TEST_F(MemoryLimitTest, NothingReadableMeansAnAssumption) {
  std::filesystem::remove_all(root_);

  EXPECT_EQ(Limit().bytes, kGiB);
  EXPECT_EQ(Limit().source, "assumed");
}

TEST(AutoDramBudget, LeavesTheReserveAndNeverTakesMoreThanSeventyPercent) {
  EXPECT_EQ(AutoDramBudget(kGiB), 512 * kMiB);
  EXPECT_EQ(AutoDramBudget(100 * kGiB), 100 * kGiB / 10 * 7);
  EXPECT_EQ(AutoDramBudget(100 * kMiB), 16 * kMiB);
  EXPECT_EQ(AutoDramBudget(0), 16 * kMiB);
}

}  // namespace
}  // namespace halflife
