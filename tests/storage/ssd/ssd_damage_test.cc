// Damaged, cut, swapped and missing files: never a wrong byte, never a failed start, never more
// lost than the part that was hit.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/env.h"
#include "storage/tiers/rocks_options.h"
#include "storage/tiers/slot_file.h"
#include "storage/tiers/ssd_index.h"
#include "tests/storage/ssd/fault_fs.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kSlotBytes = 40'000;
constexpr uint32_t kInlineBytes = 6'000;
constexpr int kPartitions = 4;

std::string KindOf(const std::string& path) {
  const fs::path file(path);
  if (file.extension() == ".slots" || file.extension() == ".sst" || file.extension() == ".log") {
    return file.extension().string();
  }
  const std::string name = file.filename().string();
  return name.substr(0, name.find('-'));
}

class SsdDamageTest : public SsdTest {
 protected:
  SsdDamageTest() {
    ssd_.seams.rocks_env = env_.get();
    ssd_.options.partitions = kPartitions;
    ssd_.options.quota_bytes = uint64_t{48} << 20;
    blocks_ = Blocks(1, 60, kSlotBytes);
    for (const TestBlock& block : Blocks(1000, 60, kInlineBytes)) blocks_.push_back(block);
  }

  ~SsdDamageTest() override { ssd_.Close(); }

  // Every block is stored again; some are rewritten, so that every database has a WAL beside its
  // SST files. A partition whose compaction meets damage is reopened, then set aside, and loses its
  // blocks: so several passes.
  void Refill() {
    for (int pass = 0; pass < 10; ++pass) {
      bool complete = true;
      for (size_t i = 0; i < blocks_.size(); ++i) {
        const bool rewrite = pass == 0 && i % 4 == 0;
        if (!rewrite && ssd_.Read(blocks_[i]).ok()) continue;
        complete = ssd_.Write(blocks_[i]).ok() && complete;
      }
      if (complete && ssd_.ReadAll(blocks_) == blocks_.size()) return;
      ssd_.clock.Advance(absl::Seconds(61));
      ssd_.tier().Step();
    }
    FAIL() << "the tier does not recover";
  }

  std::string Partition(int number) const {
    return absl::StrCat(ssd_.options.directory, "/partition-", number);
  }
  size_t BlocksIn(int partition) const {
    return static_cast<size_t>(
        std::count_if(blocks_.begin(), blocks_.end(), [&](const TestBlock& b) {
          return b.key().Head() % kPartitions == static_cast<uint64_t>(partition);
        }));
  }
  size_t BlocksInSlotFile(const std::string& path) const {
    const auto number = static_cast<uint32_t>(std::stoul(fs::path(path).filename().string()));
    return static_cast<size_t>(
        std::count_if(ssd_.locations.begin(), ssd_.locations.end(),
                      [&](const auto& entry) { return entry.second.file == number; }));
  }
  // What damage to this file may cost at most.
  size_t MostLost(const std::string& path) const {
    if (KindOf(path) == ".slots") return BlocksInSlotFile(path);
    const size_t at = path.find("/partition-");
    if (at == std::string::npos) return 0;
    return BlocksIn(std::stoi(path.substr(at + std::string("/partition-").size())));
  }
  std::vector<std::string> LiveFiles() const {
    std::vector<std::string> files = FilesUnder(ssd_.options.directory);
    std::erase_if(files,
                  [](const std::string& path) { return absl::StrContains(path, "quarantine"); });
    return files;
  }
  void ExpectQuotaHolds() {
    EXPECT_LE(UsedBytes(ssd_.options.directory), ssd_.options.quota_bytes);
  }

  // Real files, but no fsync: hundreds of restarts would spend their time there.
  const std::shared_ptr<FaultFs> disk_ = std::make_shared<FaultFs>();
  const std::unique_ptr<rocksdb::Env> env_ = EnvOver(disk_);
  std::vector<TestBlock> blocks_;
};

TEST_F(SsdDamageTest, OneFlippedBitInAnyFileCostsAtMostThatPart) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  ssd_.Reopen();
  Random random(20'260'729);
  std::map<std::string, int> flips, losses;
  const std::vector<std::string> kinds = {".slots", ".sst",   ".log", "MANIFEST", "CURRENT",
                                          ".sst",   ".slots", ".log", "OPTIONS",  "IDENTITY"};
  for (int round = 0; round < 130; ++round) {
    Refill();
    ssd_.Close();
    std::vector<std::string> files = LiveFiles();
    std::erase_if(files, [&](const std::string& path) {
      return KindOf(path) != kinds[static_cast<size_t>(round) % kinds.size()];
    });
    ASSERT_FALSE(files.empty());
    const std::string& file = files[random.Below(files.size())];
    SCOPED_TRACE(absl::StrCat("round ", round, ": ", file));
    // Only now are the locations of the last run those on disk.
    const size_t most_lost = KindOf(file) == ".slots" ? 1 : MostLost(file);
    if (FlipBit(file, random.Next())) ++flips[KindOf(file)];

    ssd_.Reopen();

    const size_t returned = ssd_.ReadAll(blocks_);
    EXPECT_GE(returned + most_lost, blocks_.size());
    losses[KindOf(file)] += static_cast<int>(blocks_.size() - returned);
    ExpectQuotaHolds();
  }
  int total = 0;
  for (const auto& [kind, count] : flips) total += count;
  EXPECT_GE(total, 100);
  EXPECT_EQ(flips.size(), 7u) << "every kind of file was hit";
  EXPECT_GT(losses[".sst"] + losses[".log"], 0) << "the damage was real";
}

TEST_F(SsdDamageTest, AFlipInAHeaderPageOrPayloadOfAnOpenTierIsDataLossOnce) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  for (const uint64_t offset : {0u, 17u, 127u, 4096u, 4096u + kSlotBytes - 1}) {
    const TestBlock& block = blocks_[offset % 50];
    const SsdLocation location = *ssd_.LocationOf(block);
    const std::string path =
        absl::StrCat(ssd_.options.directory, "/slots/",
                     SlotFileName{location.file, SlotBytesFor(kSlotBytes)}.Format());
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(location.slot * SlotBytesFor(kSlotBytes) + offset));
    file.put('\x5a');
    file.close();

    EXPECT_TRUE(absl::IsDataLoss(ssd_.Read(block).status())) << offset;
    EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block).status())) << offset;

    ssd_.MustWrite(block);
  }
  EXPECT_EQ(ssd_.tier().stats().reads_corrupt, 5u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

TEST_F(SsdDamageTest, CutAndDeletedFilesCostAtMostThatPart) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  ssd_.Reopen();
  Random random(99);
  for (const std::string kind :
       {".slots", ".sst", ".log", "MANIFEST", "CURRENT", "OPTIONS", "IDENTITY"}) {
    for (const int kept_percent : {0, 40, 95, -1}) {
      Refill();
      ssd_.Close();
      std::vector<std::string> files = LiveFiles();
      std::erase_if(files, [&](const std::string& path) { return KindOf(path) != kind; });
      ASSERT_FALSE(files.empty()) << kind;
      const std::string file = files[random.Below(files.size())];
      SCOPED_TRACE(absl::StrCat(file, " kept ", kept_percent));
      const size_t most_lost = MostLost(file);
      if (kept_percent < 0) {
        fs::remove(file);
      } else {
        fs::resize_file(file, fs::file_size(file) * static_cast<uint64_t>(kept_percent) / 100);
      }

      ssd_.Reopen();

      EXPECT_GE(ssd_.ReadAll(blocks_) + most_lost, blocks_.size());
      ExpectQuotaHolds();
    }
  }
}

TEST_F(SsdDamageTest, SwappedFilesNeverAnswerForEachOther) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const TestBlock& block : Blocks(1, 300, kSlotBytes)) ssd_.MustWrite(block);
  blocks_ = Blocks(1, 300, kSlotBytes);
  ssd_.Close();
  std::vector<std::string> files = FilesUnder(ssd_.options.directory + "/slots");
  ASSERT_GE(files.size(), 2u);
  const size_t most_lost = BlocksInSlotFile(files[0]) + BlocksInSlotFile(files[1]);
  fs::rename(files[0], files[0] + ".tmp");
  fs::rename(files[1], files[0]);
  fs::rename(files[0] + ".tmp", files[1]);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(blocks_) + most_lost, blocks_.size());
  EXPECT_EQ(ssd_.tier().stats().reads_corrupt, most_lost);
  EXPECT_EQ(ssd_.tier().stats().blocks, blocks_.size() - most_lost);
}

TEST_F(SsdDamageTest, SwappedPartitionsStartEmptyAndTheRestServes) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  ssd_.Close();
  fs::rename(Partition(0), Partition(0) + ".tmp");
  fs::rename(Partition(1), Partition(0));
  fs::rename(Partition(0) + ".tmp", Partition(1));

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(blocks_), BlocksIn(2) + BlocksIn(3));
  EXPECT_EQ(ssd_.tier().stats().quarantines, 2u);
}

TEST_F(SsdDamageTest, ADamagedPartitionIsSetAsideOnceAndOnlyTheNewestIsKept) {
  ASSERT_TRUE(ssd_.Open().ok());
  ASSERT_TRUE(ssd_.tier().PutNamespace(TestNamespace(), "descriptor").ok());
  fs::create_directory(Partition(2) + ".quarantine-1000000000");
  for (int round = 0; round < 3; ++round) {
    Refill();
    ssd_.Close();
    for (const std::string& file : LiveFiles()) {
      if (absl::StrContains(file, "partition-2/MANIFEST")) fs::resize_file(file, 10);
    }

    ssd_.Reopen();

    EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
    EXPECT_EQ(ssd_.tier().stats().partitions_serving, kPartitions);
    EXPECT_EQ(ssd_.ReadAll(blocks_) + BlocksIn(2), blocks_.size());
    size_t kept = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(ssd_.options.directory)) {
      kept += absl::StrContains(entry.path().string(), "quarantine") ? 1 : 0;
    }
    EXPECT_EQ(kept, 1u);
    EXPECT_EQ(ssd_.tier().LoadNamespaces(), std::vector<std::string>{"descriptor"});
    ExpectQuotaHolds();
  }
}

TEST_F(SsdDamageTest, LocationsFromBeforeAQuarantineAreStale) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  const TestBlock& slot_block = blocks_.front();
  const TestBlock& inline_block = blocks_.back();
  const SsdLocation old_slot = *ssd_.LocationOf(slot_block),
                    old_inline = *ssd_.LocationOf(inline_block);
  disk_->FailFrom(0);
  ASSERT_FALSE(ssd_.Write({5'000, kInlineBytes}).ok());
  for (const std::string& file : LiveFiles()) {
    if (KindOf(file) == "MANIFEST") fs::resize_file(file, 10);
  }
  disk_->Heal();

  ssd_.clock.Advance(absl::Seconds(2));
  ssd_.tier().Step();

  EXPECT_EQ(ssd_.tier().stats().quarantines, 1u);
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(slot_block, old_slot).status()));
  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(inline_block, old_inline).status()));
  ssd_.locations.clear();
  Refill();
  const std::vector<SsdErase> stale = {{slot_block.key(), old_slot},
                                       {inline_block.key(), old_inline}};
  ssd_.tier().Erase(stale);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  ssd_.Close();
}

// Writes entries into a closed tier's index, as a crash or damage might leave them.
class SsdForeignEntriesTest : public SsdDamageTest {
 protected:
  void Plant(const TestBlock& block, const SsdLocation& location) {
    PlantIn(static_cast<int>(block.key().Head() % kPartitions), block, location);
  }
  void PlantIn(int number, const TestBlock& block, const SsdLocation& location) {
    const int partitions = ssd_.options.partitions;
    const RocksSizes sizes = RocksSizes::ForQuota(ssd_.options.quota_bytes, partitions);
    const RocksShared shared =
        RocksShared::Create(rocksdb::Env::Default(), ssd_.clock, sizes, partitions);
    const auto index =
        SsdIndex::Open({Partition(number), number, partitions, ssd_.options.quota_bytes}, shared);
    ASSERT_TRUE(index.ok()) << index.status();
    const SsdIndexEntry entry{location.file, location.slot, location.bytes, block.identity(),
                              block.state()};
    SsdIndex::Entries entries;
    entries.Add(block.key(), entry);
    ASSERT_TRUE((*index)->Put(entries).ok());
  }
};

TEST_F(SsdForeignEntriesTest, OfTwoEntriesThatClaimOneSlotTheOneWhoseHeaderIsThereStays) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  const SsdLocation contested = *ssd_.LocationOf(blocks_[0]);
  ssd_.Close();
  // Some sort before the true owner, some after, in its partition and in others.
  const std::vector<TestBlock> pretenders = Blocks(50'000, 12, kSlotBytes);
  for (const TestBlock& pretender : pretenders) Plant(pretender, contested);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().entries_dropped, pretenders.size());
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  EXPECT_EQ(ssd_.ReadAll(pretenders), 0u);
  EXPECT_EQ(ssd_.tier().stats().blocks, blocks_.size());
  ssd_.Reopen();
  EXPECT_EQ(ssd_.tier().stats().entries_dropped, 0u) << "dropped for good";
}

// As when table files of two partitions are exchanged: then also numbers of writes come twice.
TEST_F(SsdForeignEntriesTest, EntriesOfAnotherPartitionAreDroppedAndCounted) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  const TestBlock& inline_block = blocks_.back();
  const SsdLocation there = *ssd_.LocationOf(inline_block);
  ssd_.Close();
  const TestBlock foreign = [&] {
    for (uint64_t seed = 70'000;; ++seed) {
      const TestBlock block{seed, inline_block.bytes};
      if (block.key().Head() % kPartitions != there.partition) return block;
    }
  }();
  PlantIn(there.partition, foreign, there);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().entries_dropped, 1u);
  EXPECT_EQ(ssd_.tier().stats().blocks, blocks_.size());
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
  for (const TestBlock& block : blocks_) ssd_.Erase(block);
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
}

TEST_F(SsdForeignEntriesTest, TwoInlineBlocksWithOneNumberAreTwoBlocks) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kInlineBytes}, twin{2, kInlineBytes};
  ssd_.MustWrite(block);
  const SsdLocation there = *ssd_.LocationOf(block);
  ssd_.Close();
  PlantIn(0, twin, there);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().blocks, 2u);
  ssd_.Erase(twin);
  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
  ssd_.Erase(block);
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
}

TEST_F(SsdForeignEntriesTest, EntriesOutsideTheirFileAreDroppedAndCounted) {
  ASSERT_TRUE(ssd_.Open().ok());
  Refill();
  const SsdLocation good = *ssd_.LocationOf(blocks_[0]);
  ssd_.Close();
  SsdLocation no_file = good, no_slot = good;
  no_file.file = 4'000;
  no_slot.slot = 1'000'000;
  Plant({60'000, kSlotBytes}, no_file);
  Plant({60'001, kSlotBytes}, no_slot);
  Plant({60'002, kSlotBytes + 8192}, {good.file, good.slot + 1, kSlotBytes + 8192});

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().stats().entries_dropped, 3u);
  EXPECT_EQ(ssd_.ReadAll(blocks_), blocks_.size());
}

}  // namespace
}  // namespace halflife
