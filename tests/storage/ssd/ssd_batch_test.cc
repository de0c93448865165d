// Batches: neighbours go together, fail alone, and every result is the one of its own block.
#include <algorithm>

#include "storage/tiers/slot_file.h"
#include "storage/tiers/slot_flow.h"
#include "tests/storage/ssd/faulty_slot_io.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kSlotBytes = 20 * 1024;  // of payload: 24 KiB with its header
constexpr uint32_t kInlineBytes = 4096;

class SsdBatchTest : public SsdTest {
 protected:
  SsdBatchTest() {
    ssd_.seams.slot_io = &slot_io_;
    ssd_.options.partitions = 2;
  }
  ~SsdBatchTest() override { ssd_.Close(); }

  void MustWriteBatch(const std::vector<TestBlock>& blocks) {
    for (const absl::StatusOr<SsdLocation>& result : ssd_.WriteBatch(blocks)) {
      ASSERT_TRUE(result.ok()) << result.status();
    }
  }
  void ExpectIs(const absl::StatusOr<BlockRef>& read, const TestBlock& block) {
    ASSERT_TRUE(read.ok()) << block.seed << ": " << read.status();
    EXPECT_EQ(AsText(read->payload()), block.payload());
  }

  FaultySlotIo slot_io_;
};

TEST_F(SsdBatchTest, ResultsAreInTheOrderOfTheBatch) {
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> blocks;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    blocks.push_back({seed, seed % 3 == 0 ? kInlineBytes : seed % 3 == 1 ? kSlotBytes : 700'001u});
  }
  MustWriteBatch(blocks);
  const TestBlock never_written{1000, kSlotBytes};
  std::vector<TestBlock> wanted(blocks.rbegin(), blocks.rend());
  wanted.insert(wanted.begin() + 7, never_written);
  wanted.push_back(blocks[5]);  // twice

  const std::vector<absl::StatusOr<BlockRef>> reads = ssd_.ReadBatch(wanted);

  ASSERT_EQ(reads.size(), wanted.size());
  for (size_t i = 0; i < reads.size(); ++i) {
    if (i == 7) {
      EXPECT_TRUE(absl::IsNotFound(reads[i].status()));
    } else {
      ExpectIs(reads[i], wanted[i]);
    }
  }
  EXPECT_EQ(ssd_.tier().stats().queue_depth, 0u);
}

TEST_F(SsdBatchTest, NeighboursAreOneRequestUpToAMebibyte) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 64, kSlotBytes);
  const uint64_t requests = 64 / (kMergedBytes / SlotBytesFor(kSlotBytes)) + 1;
  MustWriteBatch(blocks);
  EXPECT_EQ(ssd_.tier().stats().device_writes, requests);

  for (size_t i = 0; i < blocks.size(); ++i) ExpectIs(ssd_.ReadBatch(blocks)[i], blocks[i]);

  EXPECT_EQ(ssd_.tier().stats().device_reads, requests * 64);
}

TEST_F(SsdBatchTest, ABlockThatCannotBeReadIsItsOwnMiss) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 16, kSlotBytes);
  MustWriteBatch(blocks);
  slot_io_.FailOnlyReads();
  slot_io_.FailFrom(0, EIO, 2);  // the request for all of them, and one for a block alone

  const std::vector<absl::StatusOr<BlockRef>> reads = ssd_.ReadBatch(blocks);

  // Which one is the threads' affair.
  const auto failed = std::find_if(reads.begin(), reads.end(), [](const auto& read) {
    return absl::IsUnavailable(read.status());
  });
  ASSERT_NE(failed, reads.end());
  for (size_t i = 0; i < reads.size(); ++i) {
    if (&reads[i] != &*failed) ExpectIs(reads[i], blocks[i]);
  }
  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size()) << "not now is not gone";
}

TEST_F(SsdBatchTest, ABlockThatCannotBeWrittenIsRefusedAlone) {
  ssd_.options.partitions = 1;
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite({1000, kSlotBytes});  // its slot file is there
  const std::vector<TestBlock> blocks = Blocks(1, 16, kSlotBytes);
  slot_io_.FailFrom(0, EIO, 2);

  const std::vector<absl::StatusOr<SsdLocation>> written = ssd_.WriteBatch(blocks);

  ASSERT_EQ(written.size(), blocks.size());
  const auto refused = [](const auto& location) { return absl::IsUnavailable(location.status()); };
  const auto ok = [](const auto& location) { return location.ok(); };
  EXPECT_EQ(std::count_if(written.begin(), written.end(), refused), 1);
  EXPECT_EQ(std::count_if(written.begin(), written.end(), ok), blocks.size() - 1);
  EXPECT_EQ(ssd_.tier().stats().partitions_read_only, 1);
  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size() - 1);
}

TEST_F(SsdBatchTest, ADamagedBlockAmongNeighboursIsForgottenAlone) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 16, kSlotBytes);
  MustWriteBatch(blocks);
  const SsdLocation location = *ssd_.LocationOf(blocks[4]);
  const std::string path = ssd_.options.directory + "/slots/" +
                           SlotFileName{location.file, SlotBytesFor(kSlotBytes)}.Format();
  ASSERT_TRUE(FlipBit(path, location.slot * SlotBytesFor(kSlotBytes) + kPageBytes + 17));

  const std::vector<absl::StatusOr<BlockRef>> reads = ssd_.ReadBatch(blocks);

  for (size_t i = 0; i < reads.size(); ++i) {
    if (i == 4) {
      EXPECT_TRUE(absl::IsDataLoss(reads[i].status())) << reads[i].status();
    } else {
      ExpectIs(reads[i], blocks[i]);
    }
  }
  EXPECT_TRUE(absl::IsNotFound(ssd_.ReadBatch(blocks)[4].status())) << "erased";
}

TEST_F(SsdBatchTest, AKeyThatComesTwiceIsStoredOnce) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, kSlotBytes}, other{2, kSlotBytes};
  ssd_.MustWrite(other);
  const uint64_t room = ssd_.tier().FreeBytesFor(kSlotBytes);

  MustWriteBatch({block, other, block, block});

  EXPECT_EQ(ssd_.tier().stats().blocks, 2u);
  EXPECT_EQ(ssd_.tier().FreeBytesFor(kSlotBytes), room - kSlotBytes);
  EXPECT_EQ(ssd_.ReadAll({block, other}), 2u);
}

TEST_F(SsdBatchTest, TheIndexEntriesOfABatchAreOneCommitPerPartition) {
  ASSERT_TRUE(ssd_.Open().ok());
  const uint64_t before = ssd_.tier().stats().durations.commit_ns.count;

  MustWriteBatch(Blocks(1, 64, kSlotBytes));

  EXPECT_EQ(ssd_.tier().stats().durations.commit_ns.count - before, 2u);
}

TEST_F(SsdBatchTest, WhatFindsNoRoomInDramIsNotNowAndTheRestIsRead) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 32, 1 << 20);
  MustWriteBatch(blocks);
  std::vector<BlockBuffer> hogs;
  while (ssd_.arena().FreeBytesFor(1 << 20) > (uint64_t{10} << 20)) {
    hogs.push_back(*ssd_.arena().Allocate(1 << 20));
  }

  const std::vector<absl::StatusOr<BlockRef>> reads = ssd_.ReadBatch(blocks);

  size_t returned = 0;
  for (size_t i = 0; i < reads.size(); ++i) {
    if (reads[i].ok()) {
      ++returned;
      EXPECT_EQ(AsText(reads[i]->payload()), blocks[i].payload());
    } else {
      EXPECT_TRUE(absl::IsResourceExhausted(reads[i].status())) << reads[i].status();
    }
  }
  EXPECT_EQ(returned, 10u);
}

}  // namespace
}  // namespace halflife
