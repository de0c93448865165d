// A partition whose log lost its end while the daemon ran: RocksDB comes back with an older state
// than the tier's. What was given up stays given up, what was lost is forgotten without a trace in
// the counts, and no byte is wrong.
#include <filesystem>

#include "absl/strings/match.h"
#include "common/hashing.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kSlotBytes = 20 * 1024;
constexpr uint32_t kInlineBytes = 4096;

class SsdLostLogTest : public SsdTest {
 protected:
  SsdLostLogTest() {
    ssd_.seams.rocks_env = env_.get();
    ssd_.options.partitions = 1;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
  }
  ~SsdLostLogTest() override { ssd_.Close(); }

  // The log is cut to nothing, a write fails, and the partition is opened again.
  void LoseTheLogAndReopen() {
    disk_->FailFrom(0);
    ASSERT_FALSE(ssd_.Write({9'999, kInlineBytes}).ok());
    size_t logs = 0;
    for (const std::string& file : FilesUnder(ssd_.options.directory)) {
      if (!absl::EndsWith(file, ".log")) continue;
      fs::resize_file(file, 0);
      ++logs;
    }
    ASSERT_GT(logs, 0u);
    Heal();
  }
  void Heal() {
    disk_->Heal();
    ssd_.clock.Advance(absl::Seconds(70));
    ssd_.Settle();
    ASSERT_EQ(ssd_.tier().stats().quarantines, 0u);
    ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 0);
    ASSERT_EQ(ssd_.tier().stats().partitions_serving, 1);
  }
  // Everything written so far is in table files, nothing in the log.
  void MoveTheLogIntoTables() { ssd_.Reopen(); }

  const std::shared_ptr<FaultFs> disk_ = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env_ = EnvOver(disk_);
};

class SsdLostLogOfKindTest : public SsdLostLogTest, public ::testing::WithParamInterface<uint32_t> {
 protected:
  const TestBlock block_{1, GetParam()}, other_{2, GetParam()};
};

TEST_P(SsdLostLogOfKindTest, AnEraseThatTheLogLostIsMadeAgain) {
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite(block_);
  ssd_.MustWrite(other_);
  MoveTheLogIntoTables();
  const SsdLocation erased_at = *ssd_.LocationOf(block_);
  ssd_.Erase(block_);

  LoseTheLogAndReopen();

  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block_, erased_at).status()));
  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  EXPECT_EQ(ssd_.ReadAll({other_}), 1u);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.size(), 1u) << "it came back at the next start";
  EXPECT_EQ(ssd_.ReadAll({block_, other_}), 1u);
}

TEST_P(SsdLostLogOfKindTest, AnEraseThatFailedIsDoneAfterTheReopening) {
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite(block_);
  ssd_.MustWrite(other_);
  MoveTheLogIntoTables();
  const uint64_t room = ssd_.tier().FreeBytesFor(GetParam());
  disk_->FailFrom(0);
  ssd_.Erase(block_);
  ASSERT_GT(disk_->failed(), 0);

  Heal();

  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  EXPECT_EQ(ssd_.tier().stats().block_bytes, GetParam());
  EXPECT_GE(ssd_.tier().FreeBytesFor(GetParam()), room + GetParam());
  EXPECT_EQ(ssd_.ReadAll({other_}), 1u);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.size(), 1u);
}

TEST_P(SsdLostLogOfKindTest, AWriteThatTheLogLostLeavesNoTraceInTheCounts) {
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite(other_);
  MoveTheLogIntoTables();
  const uint64_t room = ssd_.tier().FreeBytesFor(GetParam());
  ssd_.MustWrite(block_);

  LoseTheLogAndReopen();
  ssd_.ReadAll({block_});
  ssd_.Erase(block_);

  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  EXPECT_EQ(ssd_.tier().stats().block_bytes, GetParam());
  EXPECT_EQ(ssd_.tier().FreeBytesFor(GetParam()), room);
  EXPECT_EQ(ssd_.ReadAll({other_}), 1u);
}

TEST_P(SsdLostLogOfKindTest, AnOverwriteThatTheLogLostDoesNotBringTheFormerBytesBack) {
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite(block_);
  MoveTheLogIntoTables();
  const SsdLocation former = *ssd_.LocationOf(block_);
  ssd_.MustWrite(block_);

  LoseTheLogAndReopen();

  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block_, former).status()));
  ssd_.ReadAll({block_});
  ssd_.Erase(block_);
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
  ssd_.Reopen();
  EXPECT_TRUE(ssd_.locations.empty());
}

TEST_P(SsdLostLogOfKindTest, WhatTookTheRoomOfALostEraseIsRight) {
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite(block_);
  MoveTheLogIntoTables();
  ssd_.Erase(block_);
  ssd_.MustWrite(other_);  // in the same slot

  LoseTheLogAndReopen();

  ssd_.ReadAll({other_});
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.count(std::string(AsText(block_.key().block))), 0u);
  ssd_.ReadAll({block_, other_});
}

INSTANTIATE_TEST_SUITE_P(Kinds, SsdLostLogOfKindTest, ::testing::Values(kInlineBytes, kSlotBytes),
                         [](const auto& info) {
                           return info.param == kInlineBytes ? "Inline" : "InASlot";
                         });

TEST_F(SsdLostLogTest, AnInlineBlockIsErasedOnce) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kInlineBytes}, other{2, kInlineBytes};
  ssd_.MustWrite(block);
  ssd_.MustWrite(other);
  const SsdErase erase{block.key(), *ssd_.LocationOf(block)};

  ssd_.tier().Erase({&erase, 1});
  ssd_.tier().Erase({&erase, 1});

  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  EXPECT_EQ(ssd_.tier().stats().block_bytes, kInlineBytes);
}

TEST_F(SsdLostLogTest, ManyFailedErasesAreAllMadeUp) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 5'000, 64);
  for (const TestBlock& block : blocks) {
    if (!ssd_.Write(block).ok()) ssd_.locations.erase(std::string(AsText(block.key().block)));
  }
  const size_t stored = ssd_.locations.size();
  ASSERT_GT(stored, 4'500u);  // more than one step takes
  disk_->FailFrom(0);
  for (const TestBlock& block : blocks) ssd_.Erase(block);
  EXPECT_EQ(ssd_.tier().stats().blocks, stored);

  Heal();

  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
  ssd_.Reopen();
  EXPECT_TRUE(ssd_.locations.empty());
}

// --- Namespaces

TEST_F(SsdLostLogTest, ANamespaceThatTheLogLostIsWrittenAgain) {
  ASSERT_TRUE(ssd_.Open().ok());
  MoveTheLogIntoTables();
  ASSERT_TRUE(ssd_.tier().PutNamespace(TestNamespace(), "descriptor").ok());

  LoseTheLogAndReopen();

  ssd_.Reopen();
  EXPECT_EQ(ssd_.tier().LoadNamespaces(), std::vector<std::string>{"descriptor"});
}

class SsdNamespaceTest : public SsdLostLogTest {
 protected:
  static constexpr int kPartitions = 3;
  SsdNamespaceTest() { ssd_.options.partitions = kPartitions; }

  std::string Partition(int number) const {
    return ssd_.options.directory + "/partition-" + std::to_string(number);
  }
  void Damage(int partition) {
    for (const std::string& file : FilesUnder(Partition(partition))) {
      if (absl::StrContains(file, "MANIFEST")) fs::resize_file(file, 10);
    }
  }
  std::vector<std::string> Known() { return ssd_.tier().LoadNamespaces(); }
  const std::vector<std::string> both_ = {"descriptor one", "descriptor two"};
  void PutBoth() {
    ASSERT_TRUE(ssd_.tier().PutNamespace(TestNamespace(), both_[0]).ok());
    ASSERT_TRUE(ssd_.tier().PutNamespace(NamespaceId{Sha256Of("other")}, both_[1]).ok());
  }
};

TEST_F(SsdNamespaceTest, TheyAreKnownAfterOnePartitionAfterTheOtherIsSetAside) {
  ASSERT_TRUE(ssd_.Open().ok());
  PutBoth();
  for (int round = 0; round < 2; ++round) {
    for (int partition = 0; partition < kPartitions; ++partition) {
      SCOPED_TRACE(partition);
      ssd_.Close();
      Damage(partition);

      ssd_.Reopen();

      EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
      EXPECT_EQ(Known(), both_);
    }
  }
}

TEST_F(SsdNamespaceTest, TheyAreGivenToAPartitionThatIsSetAsideWhileRunning) {
  ASSERT_TRUE(ssd_.Open().ok());
  PutBoth();
  disk_->FailFrom(0);
  for (const TestBlock& block : Blocks(1, 30, kInlineBytes))
    ssd_.Write(block).status().IgnoreError();
  Damage(0);
  disk_->Heal();
  ssd_.clock.Advance(absl::Seconds(70));
  ssd_.Settle();
  ASSERT_EQ(ssd_.tier().stats().quarantines, 1u);
  ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 0);

  ssd_.Close();
  for (int partition = 1; partition < kPartitions; ++partition) Damage(partition);

  ssd_.Reopen();
  EXPECT_EQ(ssd_.tier().stats().quarantines, size_t{kPartitions - 1});
  EXPECT_EQ(Known(), both_);
}

TEST_F(SsdNamespaceTest, ADeletedOneIsNotGivenToAFreshPartition) {
  ASSERT_TRUE(ssd_.Open().ok());
  PutBoth();
  ssd_.tier().DeleteNamespace(TestNamespace(), TestBlock{1, kInlineBytes}.key().ns);
  ssd_.Close();
  Damage(1);

  ssd_.Reopen();

  EXPECT_EQ(Known(), std::vector<std::string>{both_[1]});
}

}  // namespace
}  // namespace halflife
