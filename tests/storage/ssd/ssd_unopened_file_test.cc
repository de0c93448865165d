// Slot files that cannot be opened at a start: what is in them is not lost, and nothing that was
// given up meanwhile comes back with them.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "tests/storage/ssd/faulty_slot_io.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kFirstBytes = 20 * 1024;
constexpr uint32_t kOtherBytes = 40 * 1024;

class SsdUnopenedFile : public SsdTest {
 protected:
  SsdUnopenedFile() {
    ssd_.seams.slot_io = &slot_io_;
    ssd_.options.partitions = 1;
    ssd_.options.quota_bytes = uint64_t{64} << 20;
  }
  ~SsdUnopenedFile() override { ssd_.Close(); }

  void SetUp() override {
    ASSERT_TRUE(ssd_.Open().ok());
    for (const TestBlock& block : first_) ssd_.MustWrite(block);
    for (const TestBlock& block : others_) ssd_.MustWrite(block);
    ASSERT_EQ(SlotFiles().size(), 2u);
  }

  std::vector<std::string> SlotFiles() const {
    std::vector<std::string> files;
    for (const fs::directory_entry& entry : fs::directory_iterator(Directory())) {
      files.push_back(entry.path().filename());
    }
    std::sort(files.begin(), files.end());
    return files;
  }
  std::string Directory() const { return ssd_.options.directory + "/slots"; }

  // A start at which the file of `first_` cannot be opened.
  void StartWithoutFirst(int error = EMFILE) {
    ssd_.Close();
    slot_io_.FailFrom(0, error, 1);
    ssd_.Reopen();
    slot_io_.Heal();
  }
  // A write fails, so that the partition is read-only.
  void HurtPartition() {
    slot_io_.FailFrom(0);
    ASSERT_FALSE(ssd_.Write({900, kOtherBytes}).ok());
    slot_io_.Heal();
    ASSERT_EQ(ssd_.tier().stats().partitions_read_only, 1);
  }
  void HealPartition() {
    ssd_.clock.Advance(absl::Milliseconds(1100));
    ssd_.tier().Step();
    ASSERT_EQ(ssd_.tier().stats().partitions_serving, 1);
  }

  FaultySlotIo slot_io_;
  const std::vector<TestBlock> first_ = Blocks(1, 12, kFirstBytes);
  const std::vector<TestBlock> others_ = Blocks(100, 12, kOtherBytes);
};

TEST_F(SsdUnopenedFile, StaysAndItsBlocksAreFoundByTheNextStart) {
  for (const int error : {EMFILE, ENFILE, EACCES, EPERM, EIO, EROFS, ENOMEM}) {
    StartWithoutFirst(error);

    EXPECT_EQ(ssd_.ReadAll(first_), 0u);
    EXPECT_EQ(ssd_.ReadAll(others_), others_.size());
    EXPECT_EQ(ssd_.tier().stats().entries_dropped, 0u);
    EXPECT_EQ(SlotFiles().size(), 2u);

    ssd_.Reopen();
    EXPECT_EQ(ssd_.ReadAll(first_), first_.size()) << std::strerror(error);
    EXPECT_EQ(ssd_.ReadAll(others_), others_.size());
  }
}

TEST_F(SsdUnopenedFile, ItsNumberIsNotGivenToAnotherFile) {
  StartWithoutFirst();
  const std::vector<TestBlock> more = Blocks(200, 12, kFirstBytes);
  for (const TestBlock& block : more) ssd_.MustWrite(block);
  EXPECT_EQ(SlotFiles().size(), 3u);

  ssd_.Reopen();

  for (const std::vector<TestBlock>& blocks : {first_, others_, more}) {
    EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
  }
}

TEST_F(SsdUnopenedFile, NoNewFileGetsTheNumberOfTheLastOne) {
  ssd_.Close();
  slot_io_.FailFrom(0, EIO, 2);  // neither of them
  ssd_.Reopen();
  slot_io_.Heal();
  EXPECT_TRUE(ssd_.locations.empty());
  const std::vector<TestBlock> more = Blocks(200, 4, kOtherBytes);
  for (const TestBlock& block : more) ssd_.MustWrite(block);

  ssd_.Reopen();

  for (const std::vector<TestBlock>& blocks : {first_, others_, more}) {
    EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
  }
}

TEST_F(SsdUnopenedFile, ABlockThatIsWrittenAgainIsReadFromItsNewPlace) {
  StartWithoutFirst();
  ssd_.MustWrite(first_[3]);
  ssd_.MustWrite(first_[4]);
  ssd_.Erase(first_[4]);

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(first_), first_.size() - 1);
  EXPECT_FALSE(ssd_.LocationOf(first_[4]).has_value());
}

TEST_F(SsdUnopenedFile, ItsBytesCountAgainstTheQuota) {
  ssd_.Reopen();
  const uint64_t room = ssd_.tier().FreeBytesFor(1 << 20);
  const uint64_t used = ssd_.tier().stats().used_bytes;

  StartWithoutFirst();

  EXPECT_EQ(ssd_.tier().FreeBytesFor(1 << 20), room);
  EXPECT_GE(ssd_.tier().stats().used_bytes + (64 << 10), used);
  for (uint64_t seed = 300; ssd_.Write({seed, 1 << 20}).ok(); ++seed) {
  }
  EXPECT_LE(UsedBytes(ssd_.options.directory), ssd_.options.quota_bytes);
}

TEST_F(SsdUnopenedFile, OverTheQuotaItGoes) {
  for (uint64_t seed = 300; ssd_.Write({seed, kFirstBytes}).ok(); ++seed) {
  }
  ASSERT_GT(SlotFiles().size(), 4u);
  ssd_.Close();
  ssd_.options.quota_bytes = RocksSsdTier::MinimumQuotaBytes(1);

  slot_io_.FailOnlyOpens();
  slot_io_.FailFrom(0, EMFILE);
  ssd_.Reopen();
  slot_io_.Heal();

  EXPECT_TRUE(ssd_.locations.empty());
  EXPECT_GE(SlotFiles().size(), 1u);
  EXPECT_LE(UsedBytes(ssd_.options.directory), ssd_.options.quota_bytes);
  ssd_.Reopen();
  EXPECT_FALSE(ssd_.locations.empty());
}

TEST_F(SsdUnopenedFile, WhatHoldsNoWholeSlotGoesAlsoWhenNothingCanBeOpened) {
  ssd_.Close();
  const std::vector<std::string> files = SlotFiles();
  fs::resize_file(Directory() + "/" + files[0], 4096);

  slot_io_.FailOnlyOpens();
  slot_io_.FailFrom(0, EMFILE);
  ssd_.Reopen();
  slot_io_.Heal();

  EXPECT_EQ(SlotFiles(), std::vector<std::string>{files[1]});
  EXPECT_EQ(ssd_.tier().stats().entries_dropped, first_.size());
  ssd_.Reopen();
  EXPECT_EQ(ssd_.ReadAll(others_), others_.size());
}

TEST_F(SsdUnopenedFile, WhatIsDeletedMeanwhileDoesNotComeBack) {
  StartWithoutFirst();
  const BlockKey gone[] = {first_[0].key(), others_[0].key()};

  ssd_.tier().Forget(gone);
  ssd_.Reopen();

  EXPECT_FALSE(ssd_.LocationOf(first_[0]).has_value());
  EXPECT_EQ(ssd_.ReadAll(first_), first_.size() - 1);
  EXPECT_EQ(ssd_.ReadAll(others_), others_.size()) << "what the tier told of is erased by location";
}

TEST_F(SsdUnopenedFile, ANamespaceThatIsDeletedMeanwhileDoesNotComeBack) {
  StartWithoutFirst();

  ssd_.tier().DeleteNamespace(TestNamespace(), first_[0].key().ns);
  ssd_.Reopen();

  EXPECT_TRUE(ssd_.locations.empty());
}

TEST_F(SsdUnopenedFile, ItsEntriesOutliveAReopenedPartition) {
  StartWithoutFirst();
  HurtPartition();
  HealPartition();

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(first_), first_.size());
}

TEST_F(SsdUnopenedFile, WhereADeleteFailsNoneOfItsEntriesOutliveTheReopening) {
  StartWithoutFirst();
  HurtPartition();
  const BlockKey gone = first_[0].key();
  ssd_.tier().Forget({&gone, 1});
  HealPartition();

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(first_), 0u);
  EXPECT_EQ(ssd_.ReadAll(others_), others_.size());
}

}  // namespace
}  // namespace halflife
