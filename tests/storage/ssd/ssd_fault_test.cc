// A failing disk: whatever call fails, and for however long, nothing aborts, no byte is wrong,
// reads go on, and the tier takes writes again once the disk does.
#include <cerrno>

#include "common/hashing.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/faulty_slot_io.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kSlotBytes = 20 * 1024;
constexpr uint32_t kInlineBytes = 4096;

class SsdFaultTest : public SsdTest {
 protected:
  SsdFaultTest() {
    ssd_.seams.slot_io = &slot_io_;
    ssd_.seams.rocks_env = env_.get();
    ssd_.options.partitions = 2;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
  }
  ~SsdFaultTest() override { ssd_.Close(); }

  // Until every partition takes writes: bounded by the longest back-off.
  void WaitUntilHealed() {
    for (int second = 0; second < 70; ++second) {
      ssd_.clock.Advance(absl::Seconds(1));
      ssd_.tier().Step();
    }
    const SsdTier::Stats stats = ssd_.tier().stats();
    EXPECT_EQ(stats.partitions_serving, ssd_.options.partitions);
    EXPECT_EQ(stats.partitions_read_only, 0);
  }

  // Writes, reads and erases; anything may be refused, nothing may be wrong.
  void Work(uint64_t seed) {
    std::vector<TestBlock> blocks = Blocks(seed, 24, kSlotBytes);
    for (const TestBlock& block : Blocks(seed + 100, 6, kInlineBytes)) blocks.push_back(block);
    for (const TestBlock& block : blocks) ssd_.Write(block).status().IgnoreError();
    ssd_.ReadAll(blocks);
    ssd_.Erase(blocks[0]);
    ssd_.Erase(blocks[24]);
    ssd_.clock.Advance(absl::Seconds(1));
    ssd_.tier().Step();
  }

  FaultySlotIo slot_io_;
  const std::shared_ptr<FaultFs> fs_ = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env_ = EnvOver(fs_);
};

TEST_F(SsdFaultTest, AWriteErrorMakesThePartitionReadOnlyAndItComesBack) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock before{1, kSlotBytes}, refused{2, kSlotBytes};
  ssd_.MustWrite(before);
  slot_io_.FailFrom(0);

  EXPECT_TRUE(absl::IsUnavailable(ssd_.Write(refused).status()));
  slot_io_.Heal();

  EXPECT_TRUE(absl::IsUnavailable(ssd_.Write(refused).status())) << "not before the back-off";
  EXPECT_EQ(ssd_.tier().stats().partitions_read_only, 1);
  EXPECT_EQ(ssd_.ReadAll({before}), 1u) << "reads go on";
  ssd_.clock.Advance(absl::Milliseconds(1100));
  ssd_.tier().Step();
  ssd_.MustWrite(refused);
  EXPECT_EQ(ssd_.ReadAll({before, refused}), 2u);
}

TEST_F(SsdFaultTest, TheBackOffDoublesUpToAMinute) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  for (const int expected_s : {1, 2, 4, 8, 16, 32, 60, 60}) {
    slot_io_.FailFrom(0);
    ASSERT_FALSE(ssd_.Write({1, kSlotBytes}).ok());
    slot_io_.Heal();
    ssd_.clock.Advance(absl::Seconds(expected_s) - absl::Milliseconds(1));
    ssd_.tier().Step();
    ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 1) << expected_s;

    ssd_.clock.Advance(absl::Milliseconds(1));
    ssd_.tier().Step();

    ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 0) << expected_s;
  }
}

TEST_F(SsdFaultTest, AFullDiskIsTriedAgainWithinTenSeconds) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  for (int i = 0; i < 8; ++i) {
    slot_io_.FailFrom(0, ENOSPC);
    ASSERT_TRUE(absl::IsUnavailable(ssd_.Write({1, kSlotBytes}).status()));
    slot_io_.Heal();

    ssd_.clock.Advance(absl::Seconds(10));
    ssd_.tier().Step();

    ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 0);
  }
  ssd_.MustWrite({1, kSlotBytes});
}

TEST_F(SsdFaultTest, AReadErrorIsNotNowAndTheBlockStays) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kSlotBytes};
  ssd_.MustWrite(block);
  slot_io_.FailFrom(0, EIO, 1);

  EXPECT_TRUE(absl::IsUnavailable(ssd_.Read(block).status()));

  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
  EXPECT_EQ(ssd_.tier().stats().reads_failed, 1u);
}

TEST_F(SsdFaultTest, AnEraseThatTheIndexRefusesKeepsTheSlotUntilItIsCommitted) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kSlotBytes};
  ssd_.MustWrite(block);
  const SsdLocation location = *ssd_.LocationOf(block);
  const uint64_t room = ssd_.tier().FreeBytesFor(kSlotBytes);
  fs_->FailFrom(0);

  ssd_.Erase(block);

  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block, location).status()));
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room) << "the index still names the slot";
  fs_->Heal();
  WaitUntilHealed();
  ssd_.tier().Step();
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room + kSlotBytes);
  ssd_.Reopen();
  EXPECT_TRUE(ssd_.locations.empty());
}

TEST_F(SsdFaultTest, AFullDiskUnderRocksDbHealsToo) {
  ASSERT_TRUE(ssd_.Open().ok());
  fs_->FailFrom(0, FaultFs::Kind::kNoSpace);
  for (int i = 0; i < 4; ++i) Work(1000);
  EXPECT_GT(fs_->failed(), 0);

  fs_->Heal();
  WaitUntilHealed();

  const std::vector<TestBlock> after = Blocks(1, 20, kInlineBytes);
  for (const TestBlock& block : after) ssd_.MustWrite(block);
  EXPECT_EQ(ssd_.ReadAll(after), after.size());
}

// One campaign: a fresh tier with some blocks, the n-th call fails, work, healing, restart.
class SsdFaultCampaign : public SsdFaultTest, public ::testing::WithParamInterface<int> {
 protected:
  void Run(const std::function<void(int)>& break_disk) {
    for (int nth = 0; nth < 100; ++nth) {
      SCOPED_TRACE(nth);
      const std::vector<TestBlock> safe = Blocks(1, 4, nth % 2 == 0 ? kSlotBytes : kInlineBytes);
      ASSERT_TRUE(ssd_.Open().ok());
      for (const TestBlock& block : safe) ssd_.MustWrite(block);
      break_disk(nth);
      Work(10'000 + static_cast<uint64_t>(nth) * 1000);
      Work(10'500 + static_cast<uint64_t>(nth) * 1000);
      slot_io_.Heal();
      fs_->Heal();
      WaitUntilHealed();
      // A flush or compaction that failed in the background shows in the next write of its
      // partition.
      for (const TestBlock& probe : Blocks(900, 10, kInlineBytes))
        ssd_.Write(probe).status().IgnoreError();
      WaitUntilHealed();
      const uint64_t quarantines = ssd_.tier().stats().quarantines;
      const size_t kept = ssd_.ReadAll(safe);
      if (quarantines == 0) {
        EXPECT_EQ(kept, safe.size());
      }
      ssd_.MustWrite({777, kSlotBytes});
      ssd_.MustWrite({778, kInlineBytes});
      ssd_.Reopen();
      EXPECT_EQ(ssd_.ReadAll({{777, kSlotBytes}, {778, kInlineBytes}}), 2u);
      ssd_.ReadAll(safe);
      ssd_.tier().DeleteNamespace(TestNamespace(), safe[0].key().ns);
      ssd_.Close();
    }
  }
};

// 1 = the call fails once, INT_MAX = it and all that follow.
TEST_P(SsdFaultCampaign, EverySlotFileCallMayFail) {
  Run([this](int nth) { slot_io_.FailFrom(nth, EIO, GetParam()); });
  EXPECT_GE(slot_io_.failed(), 90) << "nearly every n was reached";
}

TEST_P(SsdFaultCampaign, EveryRocksDbCallMayFail) {
  Run([this](int nth) { fs_->FailFrom(nth, FaultFs::Kind::kIoError, GetParam()); });
  EXPECT_GT(fs_->failed(), 50);
}

TEST_P(SsdFaultCampaign, EveryCallOfTheStartMayFail) {
  const std::vector<TestBlock> blocks = Blocks(1, 10, kInlineBytes);
  for (int nth = 0; nth < 100; ++nth) {
    SCOPED_TRACE(nth);
    fs_->FailFrom(nth, FaultFs::Kind::kIoError, GetParam());
    ASSERT_TRUE(ssd_.Open().ok());
    ssd_.tier().Recover([](const SsdTier::Recovered&) {});
    fs_->Heal();
    WaitUntilHealed();
    for (const TestBlock& block : blocks) {
      if (ssd_.Write(block).ok()) continue;
      // A flush that failed before the healing may show only now.
      WaitUntilHealed();
      ssd_.MustWrite(block);
    }
    ssd_.Reopen();
    EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
    ssd_.Close();
  }
  EXPECT_GT(fs_->failed(), 50);
}

INSTANTIATE_TEST_SUITE_P(OnceAndForEver, SsdFaultCampaign, ::testing::Values(1, INT_MAX),
                         [](const auto& info) { return info.param == 1 ? "Once" : "ForEver"; });

}  // namespace
}  // namespace halflife
