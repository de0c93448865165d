// A file system without room under the index: nothing is lost by it, at a start or later.
#include <filesystem>

#include "rocksdb/status.h"
#include "storage/tiers/rocks_status.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kSlotBytes = 40'000, kInlineBytes = 1'000;
constexpr int kPartitions = 4;

class SsdFullDiskTest : public SsdTest {
 protected:
  SsdFullDiskTest() {
    ssd_.seams.rocks_env = env_.get();
    ssd_.options.partitions = kPartitions;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
    blocks_ = Blocks(1, 40, kSlotBytes);
    for (const TestBlock& block : Blocks(100, 40, kInlineBytes)) blocks_.push_back(block);
  }
  ~SsdFullDiskTest() override { ssd_.Close(); }

  void Fill() {
    ASSERT_TRUE(ssd_.Open().ok());
    for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
  }
  void ExpectReadOnly() {
    EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
    EXPECT_EQ(ssd_.tier().stats().partitions_serving, kPartitions);
    EXPECT_EQ(ssd_.tier().stats().partitions_read_only, kPartitions);
    EXPECT_TRUE(absl::IsUnavailable(ssd_.Write({7'000, kSlotBytes}).status()));
    EXPECT_TRUE(absl::IsUnavailable(ssd_.Write({7'001, kInlineBytes}).status()));
  }
  // With ten seconds for it, as docs/operations.md says.
  void MakeRoom() {
    disk_->Heal();
    ssd_.clock.Advance(absl::Seconds(10));
    ssd_.tier().Step();
    EXPECT_EQ(ssd_.tier().stats().partitions_serving, kPartitions);
    EXPECT_EQ(ssd_.tier().stats().partitions_read_only, 0);
  }
  // Long enough for some of its attempts to open.
  void StayFull() {
    for (int second = 0; second < 20; ++second) {
      ssd_.clock.Advance(absl::Seconds(1));
      ssd_.tier().Step();
    }
  }

  const std::shared_ptr<FaultFs> disk_ = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env_ = EnvOver(disk_);
  std::vector<TestBlock> blocks_;
};

TEST_F(SsdFullDiskTest, AtAStartEveryBlockIsStillServed) {
  Fill();
  ssd_.Close();
  disk_->FillUp();

  ssd_.Reopen();

  ExpectReadOnly();
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  StayFull();
  ExpectReadOnly();
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdFullDiskTest, WithRoomAgainItTakesWritesAndKeepsWhatItHad) {
  Fill();
  ssd_.Close();
  disk_->FillUp();
  ssd_.Reopen();

  MakeRoom();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  std::vector<TestBlock> more = Blocks(1'000, 40, kSlotBytes);
  for (const TestBlock& block : more) ssd_.MustWrite(block);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size()) << "the new ones took nobody's slot";
  EXPECT_EQ(ssd_.ReadAll(more), more.size());
}

TEST_F(SsdFullDiskTest, WhatIsErasedMeanwhileDoesNotComeBack) {
  Fill();
  ssd_.Close();
  disk_->FillUp();
  ssd_.Reopen();
  ssd_.Erase(blocks_.front());
  ssd_.Erase(blocks_.back());

  MakeRoom();
  ssd_.Settle();
  ssd_.Reopen();

  EXPECT_FALSE(ssd_.LocationOf(blocks_.front()).has_value());
  EXPECT_FALSE(ssd_.LocationOf(blocks_.back()).has_value());
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size() - 2);
}

TEST_F(SsdFullDiskTest, AFirstStartIsWithoutTheTierUntilThereIsRoom) {
  disk_->FillUp();

  ASSERT_TRUE(ssd_.Open().ok());

  EXPECT_EQ(ssd_.tier().stats().partitions_serving, 0);
  EXPECT_EQ(ssd_.tier().stats().quarantines, 0u);
  StayFull();
  MakeRoom();
  for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdFullDiskTest, WhileRunningBlocksAreServedBetweenTheAttemptsToo) {
  Fill();
  disk_->FillUp();
  // Until each partition has met it.
  for (const TestBlock& block : Blocks(2'000, 40, kInlineBytes)) ssd_.Write(block).status();

  StayFull();

  ExpectReadOnly();
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  MakeRoom();
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdFullDiskTest, ADamagedDatabaseIsReplacedOnceThereIsRoom) {
  Fill();
  ssd_.Close();
  for (int i = 0; i < kPartitions; ++i) {
    std::filesystem::remove(ssd_.options.directory + "/partition-" + std::to_string(i) +
                            "/CURRENT");
  }
  disk_->FillUp();

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(blocks_), 0u);
  MakeRoom();
  for (const TestBlock& block : blocks_) ssd_.MustWrite(block);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST(RocksStatus, AnExhaustedDiskQuotaIsAFullDisk) {
  const auto status =
      rocksdb::Status::IOError("While appending to file: /x/000123.log", "Disk quota exceeded");

  EXPECT_TRUE(absl::IsResourceExhausted(FromRocks(status, "partition 1: open")));
  EXPECT_TRUE(absl::IsUnavailable(
      FromRocks(rocksdb::Status::IOError("x", "Input/output error"), "partition 1: open")));
}

}  // namespace
}  // namespace halflife
