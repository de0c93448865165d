// What the tier tells about itself: durations, queue, and the figures of its databases.
#include <cerrno>
#include <functional>
#include <numeric>

#include "storage/tiers/rocks_figures.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/faulty_slot_io.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kSlotBytes = 20 * 1024;
constexpr uint32_t kInlineBytes = 4096;

// A disk on which each call takes its time, by the clock of the test.
class SlowSlotIo final : public SlotIo {
 public:
  explicit SlowSlotIo(ManualClock& clock) : clock_(clock) {}

  int BeforeTransfer(const SlotBytes& bytes) override {
    const bool is_read = bytes.kind == SlotBytes::Kind::kRead;
    if (!is_read && during_write) during_write();
    clock_.Advance(absl::Milliseconds(is_read ? 3 : 20));
    return 0;
  }

  std::function<void()> during_write;

 private:
  ManualClock& clock_;
};

class SsdStatsTest : public SsdTest {
 protected:
  SsdStatsTest() {
    ssd_.options.partitions = 2;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
  }
  ~SsdStatsTest() override { ssd_.Close(); }
};

void ExpectAbout(const Histogram::Snapshot& durations_ns, double milliseconds) {
  EXPECT_EQ(durations_ns.count, 1u);
  EXPECT_EQ(durations_ns.sum, milliseconds * 1e6);
  EXPECT_NEAR(durations_ns.Quantile(1), milliseconds * 1e6, milliseconds * 1e6 / 8);
}

TEST_F(SsdStatsTest, DurationsAreThoseOfTheDisk) {
  SlowSlotIo disk(ssd_.clock);
  ssd_.seams.slot_io = &disk;
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kSlotBytes};

  ssd_.MustWrite(block);
  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
  ssd_.Erase(block);

  const SsdTier::Durations durations = ssd_.tier().stats().durations;
  ExpectAbout(durations.write_ns, 20);
  ExpectAbout(durations.read_ns, 3);
  EXPECT_EQ(durations.erase_ns.count, 1u);
  EXPECT_GE(durations.commit_ns.count, 2u) << "the entry, and its erase";
  ssd_.Close();
}

TEST_F(SsdStatsTest, AFailedOperationIsTimedAndARefusedOneIsNot) {
  FaultySlotIo disk;
  ssd_.seams.slot_io = &disk;
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kSlotBytes};
  ssd_.MustWrite(block);
  const SsdLocation location = *ssd_.LocationOf(block);
  disk.FailFrom(0, EIO);

  ASSERT_FALSE(ssd_.Read(block).ok());
  ASSERT_FALSE(ssd_.Write({2, kSlotBytes}).ok());
  ASSERT_FALSE(ssd_.Write({2, kSlotBytes}).ok()) << "read-only: refused";
  disk.Heal();
  ssd_.Erase(block);
  ASSERT_TRUE(absl::IsNotFound(ssd_.Read(block, location).status()));

  const SsdTier::Stats stats = ssd_.tier().stats();
  EXPECT_EQ(stats.durations.read_ns.count, 1u);
  EXPECT_EQ(stats.durations.write_ns.count, 2u);
  EXPECT_EQ(stats.writes_refused, 1u);
  ssd_.Close();
}

TEST_F(SsdStatsTest, TheQueueHoldsWhatIsNotDone) {
  SlowSlotIo disk(ssd_.clock);
  ssd_.seams.slot_io = &disk;
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<uint64_t> depths;
  disk.during_write = [&] { depths.push_back(ssd_.tier().stats().queue_depth); };

  ssd_.MustWrite({1, kSlotBytes});

  EXPECT_EQ(depths, std::vector<uint64_t>{1});
  EXPECT_EQ(ssd_.tier().stats().queue_depth, 0u);
  ssd_.Close();
}

TEST_F(SsdStatsTest, FlushesAndCompactionsAreCountedWithTheirBytes) {
  ASSERT_TRUE(ssd_.Open().ok());
  EXPECT_EQ(ssd_.tier().stats().database.flushes, 0u);
  SsdTier::Database database;

  // RocksDB compacts in threads of its own: write until it has.
  for (uint64_t seed = 1; seed < 20'000 && database.compactions == 0; ++seed) {
    if (!ssd_.Write({seed, kInlineBytes}).ok()) ssd_.Settle();
    database = ssd_.tier().stats().database;
  }

  EXPECT_GT(database.compactions, 0u);
  EXPECT_GT(database.flushes, 1u);
  EXPECT_GT(database.flush_written_bytes, 2 * kInlineBytes);
  EXPECT_GE(database.compaction_read_bytes, database.compaction_written_bytes / 2);
  EXPECT_GT(database.compaction_written_bytes, kInlineBytes);
  EXPECT_GT(database.memtable_bytes, 0u);
  EXPECT_GT(database.table_bytes, kInlineBytes);
  EXPECT_GT(database.live_data_bytes, kInlineBytes);
  EXPECT_LE(database.live_data_bytes, 2 * database.table_bytes);
  EXPECT_GT(std::accumulate(database.level_files.begin(), database.level_files.end(), uint64_t{0}),
            0u);
  EXPECT_EQ(database.background_errors, 0u);
}

TEST_F(SsdStatsTest, WhatIsReadFromTheDatabaseIsInItsCache) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 50, kInlineBytes);
  for (const TestBlock& block : blocks) ssd_.MustWrite(block);
  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());

  EXPECT_GE(ssd_.tier().stats().database.block_cache_bytes, 50 * kInlineBytes);
  EXPECT_LE(ssd_.tier().stats().database.block_cache_bytes, uint64_t{8} << 20);
}

TEST_F(SsdStatsTest, AnErrorOfTheDatabaseIsCountedAndStaysAfterItsReopening) {
  const auto disk = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env = EnvOver(disk);
  ssd_.seams.rocks_env = env.get();
  ASSERT_TRUE(ssd_.Open().ok());
  disk->FailFrom(0);
  ASSERT_FALSE(ssd_.Write({1, kInlineBytes}).ok());
  disk->Heal();

  ssd_.clock.Advance(absl::Seconds(2));
  ssd_.tier().Step();

  const SsdTier::Stats stats = ssd_.tier().stats();
  EXPECT_EQ(stats.partitions_read_only, 0);
  EXPECT_GE(stats.database.background_errors, 1u);
  ssd_.Close();
}

class RocksStallTest : public ::testing::Test {
 protected:
  static rocksdb::WriteStallInfo To(rocksdb::WriteStallCondition condition) {
    rocksdb::WriteStallInfo info;
    info.condition.cur = condition;
    return info;
  }
  absl::Duration Stalled() const {
    SsdTier::Database database;
    figures_->AddTo(database);
    return absl::Nanoseconds(database.stall_ns);
  }

  ManualClock clock_;
  const std::shared_ptr<RocksFigures> figures_ = std::make_shared<RocksFigures>(clock_);
};

TEST_F(RocksStallTest, AStallLastsFromItsFirstConditionToNormal) {
  RocksListener listener(figures_);
  listener.OnStallConditionsChanged(To(rocksdb::WriteStallCondition::kDelayed));
  clock_.Advance(absl::Seconds(2));
  listener.OnStallConditionsChanged(To(rocksdb::WriteStallCondition::kStopped));
  clock_.Advance(absl::Seconds(3));
  EXPECT_EQ(Stalled(), absl::Seconds(5)) << "it counts while it lasts";

  listener.OnStallConditionsChanged(To(rocksdb::WriteStallCondition::kNormal));
  clock_.Advance(absl::Seconds(100));

  EXPECT_EQ(Stalled(), absl::Seconds(5));
}

TEST_F(RocksStallTest, StallsOfPartitionsAreAddedAndEndWithTheirDatabase) {
  auto first = std::make_unique<RocksListener>(figures_);
  RocksListener second(figures_);
  first->OnStallConditionsChanged(To(rocksdb::WriteStallCondition::kStopped));
  second.OnStallConditionsChanged(To(rocksdb::WriteStallCondition::kStopped));
  clock_.Advance(absl::Seconds(1));

  first.reset();
  clock_.Advance(absl::Seconds(1));

  EXPECT_EQ(Stalled(), absl::Seconds(3));
}

}  // namespace
}  // namespace halflife
