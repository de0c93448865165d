// A database on which RocksDB kills the process: it is known at the next start and set aside,
// instead of the daemon dying at every start.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "rocksdb/file_system.h"
#include "storage/tiers/opening_marker.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

namespace fs = std::filesystem;

constexpr int kPartitions = 4;
constexpr uint32_t kSlotBytes = 40'000;

// What the markers of a tier say at each moment at which RocksDB begins to open a database.
class MarkerWatch final : public rocksdb::FileSystemWrapper {
 public:
  explicit MarkerWatch(std::string directory)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), directory_(std::move(directory)) {}
  const char* Name() const override { return "MarkerWatch"; }

  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* result,
                                      rocksdb::IODebugContext* context) override {
    if (absl::EndsWith(name, "/CURRENT")) Look();
    return FileSystemWrapper::NewSequentialFile(name, options, result, context);
  }

  // Per look: the deaths of partition 0, 1, …
  std::vector<std::vector<int>> looks() {
    MutexLock lock(mutex_);
    return looks_;
  }

 private:
  void Look() {
    std::vector<int> deaths;
    for (int i = 0; i < kPartitions; ++i) {
      deaths.push_back(
          OpeningMarker(absl::StrCat(directory_, "/partition-", i, ".opening")).Read().deaths);
    }
    MutexLock lock(mutex_);
    looks_.push_back(std::move(deaths));
  }

  const std::string directory_;
  Mutex mutex_;
  std::vector<std::vector<int>> looks_ ABSL_GUARDED_BY(mutex_);
};

class SsdOpeningTest : public SsdTest {
 protected:
  SsdOpeningTest() {
    ssd_.options.partitions = kPartitions;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
    blocks_ = Blocks(1, 80, kSlotBytes);
  }
  ~SsdOpeningTest() override { ssd_.Close(); }

  void Fill() {
    ASSERT_TRUE(ssd_.Open().ok());
    for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
  }
  std::string Marker(int partition) const {
    return absl::StrCat(ssd_.options.directory, "/partition-", partition, ".opening");
  }
  void Plant(int partition, const std::string& text) {
    std::ofstream(Marker(partition), std::ios::trunc) << text;
  }
  size_t Markers() const {
    const std::vector<std::string> files = FilesUnder(ssd_.options.directory);
    return static_cast<size_t>(std::count_if(files.begin(), files.end(), [](const auto& path) {
      return absl::EndsWith(path, ".opening");
    }));
  }
  size_t BlocksIn(int partition) const {
    return static_cast<size_t>(
        std::count_if(blocks_.begin(), blocks_.end(), [&](const TestBlock& b) {
          return b.key().Head() % kPartitions == static_cast<uint64_t>(partition);
        }));
  }

  std::vector<TestBlock> blocks_;
};

TEST_F(SsdOpeningTest, ACleanOpenLeavesNoMarker) {
  Fill();
  EXPECT_EQ(Markers(), 0u);

  ssd_.Reopen();

  EXPECT_EQ(Markers(), 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdOpeningTest, AfterOneDeathAPartitionIsOpenedAsUsual) {
  Fill();
  ssd_.Close();
  Plant(1, "1");

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  EXPECT_EQ(Markers(), 0u);
}

TEST_F(SsdOpeningTest, AfterTwoDeathsAPartitionIsSetAsideAndTheRestServes) {
  Fill();
  ssd_.Close();
  ASSERT_GT(BlocksIn(1), 0u);
  Plant(1, "2");

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  EXPECT_EQ(ssd_.tier().stats().partitions_serving, kPartitions);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size() - BlocksIn(1));
  EXPECT_EQ(Markers(), 0u);
  for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u) << "once";
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdOpeningTest, AMarkerThatIsEmptyOrGarbageIsOneDeath) {
  Fill();
  ssd_.Close();
  Plant(0, "");
  Plant(2, "\xff\xff");

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  EXPECT_EQ(Markers(), 0u);
}

// All of them were being opened at once when the process died; which one it was shows only now.
TEST_F(SsdOpeningTest, ASecondDeathIsCountedAgainstOnePartitionOnly) {
  Fill();
  ssd_.Close();
  for (int i = 0; i < kPartitions; ++i) Plant(i, "1");
  const auto watch = std::make_shared<MarkerWatch>(ssd_.options.directory);
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(watch);
  ssd_.seams.rocks_env = env.get();

  ssd_.Reopen();

  ASSERT_FALSE(watch->looks().empty());
  for (const std::vector<int>& deaths : watch->looks()) {
    EXPECT_EQ(std::count(deaths.begin(), deaths.end(), 2), 1);
  }
  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  ssd_.Close();
}

TEST_F(SsdOpeningTest, AnOpenIsCountedWhileItRuns) {
  Fill();
  ssd_.Close();
  const auto watch = std::make_shared<MarkerWatch>(ssd_.options.directory);
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(watch);
  ssd_.seams.rocks_env = env.get();

  ssd_.Reopen();

  ASSERT_GE(watch->looks().size(), size_t{kPartitions});
  for (const std::vector<int>& deaths : watch->looks()) {
    EXPECT_GE(std::count(deaths.begin(), deaths.end(), 1), 1);
  }
  ssd_.Close();
}

TEST_F(SsdOpeningTest, AReopeningAtRunTimeIsGuardedToo) {
  const auto disk = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env = EnvOver(disk);
  ssd_.seams.rocks_env = env.get();
  ssd_.options.partitions = 1;
  Fill();
  disk->FailFrom(0);
  ASSERT_FALSE(ssd_.Write({5'000, 1'000}).ok());
  disk->Heal();
  Plant(0, "2");

  ssd_.clock.Advance(absl::Seconds(2));
  ssd_.tier().Step();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  EXPECT_EQ(ssd_.tier().stats().partitions_read_only, 0);
  EXPECT_EQ(ssd_.ReadAll(blocks_), 0u);
  EXPECT_EQ(Markers(), 0u);
  ssd_.Close();
}

TEST_F(SsdOpeningTest, AMarkerThatCannotBeWrittenDoesNotKeepThePartitionFromServing) {
  Fill();
  ssd_.Close();
  fs::create_directories(Marker(1));

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

}  // namespace
}  // namespace halflife
