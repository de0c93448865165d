#include "storage/tiers/rocks_ssd_tier.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "common/hashing.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kKiB = 1024;

TEST_F(SsdTest, BlocksOfAllSizesComeBackByteForByte) {
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> blocks;
  uint64_t seed = 1;
  for (const uint32_t bytes : {4096u, 4097u, 10'000u, 16u * kKiB, 16u * kKiB + 1, 64u * kKiB,
                               100'001u, 1024u * kKiB, 1024u * kKiB + 4095, 4096u * kKiB}) {
    blocks.push_back({seed++, bytes});
  }

  for (const TestBlock& block : blocks) ssd_.MustWrite(block);

  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
  EXPECT_EQ(ssd_.LocationOf(blocks[0])->file, 0u) << "small blocks are inline";
  EXPECT_NE(ssd_.LocationOf(blocks.back())->file, 0u) << "large blocks are in slots";
  EXPECT_EQ(ssd_.tier().stats().blocks, blocks.size());
}

TEST_F(SsdTest, AReadBlockCarriesItsHeader) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{7, 64 * kKiB};
  ssd_.MustWrite(block);

  const absl::StatusOr<BlockRef> read = ssd_.Read(block);

  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->header().identity, block.identity());
  EXPECT_EQ(read->header().depth, block.state().depth);
}

TEST_F(SsdTest, ErasedBlocksAreGoneAndTheirRoomIsUsedAgain) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const uint32_t bytes : {8 * kKiB, 64 * kKiB}) {
    const TestBlock block{bytes, bytes};
    ssd_.MustWrite(block);
    const SsdLocation location = *ssd_.LocationOf(block);

    ssd_.Erase(block);

    EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block, location).status()));
  }
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
  EXPECT_EQ(ssd_.tier().stats().block_bytes, 0u);
}

TEST_F(SsdTest, ErasingTwiceOrAStaleLocationHarmsNobody) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const uint32_t bytes : {8 * kKiB, 64 * kKiB}) {
    const TestBlock gone{bytes + 1, bytes}, next{bytes + 2, bytes};
    ssd_.MustWrite(gone);
    const SsdErase stale{gone.key(), *ssd_.LocationOf(gone)};
    ssd_.Erase(gone);
    ssd_.MustWrite(next);  // into the slot that is free again

    ssd_.tier().Erase(std::vector<SsdErase>{stale, stale});

    EXPECT_EQ(ssd_.ReadAll({next}), 1u);
  }
  EXPECT_EQ(ssd_.tier().stats().blocks, 2u);
}

TEST_F(SsdTest, ABlockThatIsWrittenTwiceIsStoredOnce) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const uint32_t bytes : {8 * kKiB, 64 * kKiB}) {
    const TestBlock block{bytes, bytes};
    ssd_.MustWrite(block);
    const SsdLocation former = *ssd_.LocationOf(block);

    ssd_.MustWrite(block);

    EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block, former).status()));
    EXPECT_EQ(ssd_.ReadAll({block}), 1u);
  }
  EXPECT_EQ(ssd_.tier().stats().blocks, 2u);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.size(), 2u);
}

TEST_F(SsdTest, AnotherIdentityAtTheSameKeyIsDataLossAndForgotten) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const uint32_t bytes : {8 * kKiB, 64 * kKiB}) {
    const TestBlock block{bytes, bytes};
    ssd_.MustWrite(block);
    SsdRead read{block.key(), block.identity(), *ssd_.LocationOf(block)};
    read.identity.part += 1;

    EXPECT_TRUE(absl::IsDataLoss(ssd_.tier().Read({&read, 1})[0].status()));

    EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block).status()));
  }
  EXPECT_EQ(ssd_.tier().stats().reads_corrupt, 2u);
}

TEST_F(SsdTest, LocationsThatMeanNothingAreMisses) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, 64 * kKiB};
  ssd_.MustWrite(block);
  const SsdLocation good = *ssd_.LocationOf(block);

  for (int field = 0; field < 5; ++field) {
    SsdLocation bad = good;
    if (field == 0) bad.file += 1000;
    if (field == 1) bad.slot += 1'000'000;
    if (field == 2) bad.bytes += 4096;
    if (field == 3) bad.partition = 200;
    if (field == 4) bad.generation += 1;
    EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block, bad).status())) << "field " << field;
    const SsdErase erase{block.key(), bad};
    ssd_.tier().Erase({&erase, 1});
  }

  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
}

TEST_F(SsdTest, ARestartFindsEveryBlockWithItsState) {
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> blocks = Blocks(1, 60, 8 * kKiB);
  for (const TestBlock& block : Blocks(100, 60, 64 * kKiB)) blocks.push_back(block);
  for (const TestBlock& block : blocks) ssd_.MustWrite(block);
  ssd_.Close();

  ASSERT_TRUE(ssd_.Open().ok());
  std::map<std::string, SsdTier::Recovered> found;
  ssd_.tier().Recover(
      [&](const SsdTier::Recovered& r) { found[std::string(AsText(r.key.block))] = r; });

  ASSERT_EQ(found.size(), blocks.size());
  for (const TestBlock& block : blocks) {
    const SsdTier::Recovered& r = found.at(std::string(AsText(block.key().block)));
    EXPECT_EQ(r.key, block.key());
    EXPECT_EQ(r.identity, block.identity());
    EXPECT_EQ(r.state.depth, block.state().depth);
    EXPECT_EQ(r.state.category, block.state().category);
    EXPECT_EQ(r.state.hits, block.state().hits);
    EXPECT_EQ(r.state.parent, block.state().parent);
    ssd_.locations[std::string(AsText(block.key().block))] = r.location;
  }
  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
  EXPECT_EQ(ssd_.tier().stats().blocks, blocks.size());
}

TEST_F(SsdTest, ARestartDoesNotHandOutSlotsThatAreInUse) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> before = Blocks(1, 100, 64 * kKiB);
  for (const TestBlock& block : before) ssd_.MustWrite(block);
  ssd_.Reopen();

  for (const TestBlock& block : Blocks(1000, 300, 64 * kKiB)) ssd_.MustWrite(block);

  EXPECT_EQ(ssd_.ReadAll(before), before.size());
}

TEST_F(SsdTest, TwentyThousandEntriesAreRecoveredInMuchLessThanASecond) {
  ssd_.options.quota_bytes = uint64_t{1} << 30;
  ssd_.options.inline_payload_max_bytes = 0;
  ASSERT_TRUE(ssd_.Open().ok());
  for (const TestBlock& block : Blocks(1, 20'000, 4096)) ASSERT_TRUE(ssd_.Write(block).ok());
  ssd_.Close();

  const auto begin = std::chrono::steady_clock::now();
  ssd_.Reopen();
  const auto took = std::chrono::steady_clock::now() - begin;

  EXPECT_EQ(ssd_.locations.size(), 20'000u);
  RecordProperty(
      "reopen_ms",
      static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(took).count()));
}

TEST_F(SsdTest, AMovedBlockCanBeReadAtBothPlacesUntilTheFormerIsErased) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, 64 * kKiB};
  ssd_.MustWrite(block);
  const SsdLocation from = *ssd_.LocationOf(block);
  const SsdMove move{block.key(), from};

  const absl::StatusOr<SsdLocation> to = ssd_.tier().Move({&move, 1})[0];

  ASSERT_TRUE(to.ok()) << to.status();
  EXPECT_NE(*to, from);
  EXPECT_TRUE(ssd_.Read(block, from).ok());
  EXPECT_TRUE(ssd_.Read(block, *to).ok());
  ssd_.Erase(block);
  EXPECT_TRUE(absl::IsNotFound(ssd_.Read(block, from).status()));
  EXPECT_EQ(AsText(ssd_.Read(block, *to)->payload()), block.payload());
  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
  ssd_.Reopen();
  EXPECT_EQ(ssd_.LocationOf(block)->slot, to->slot);
  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
}

TEST_F(SsdTest, OnlyABlockThatIsThereMoves) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, 64 * kKiB}, in_line{2, 4 * kKiB};
  ssd_.MustWrite(block);
  ssd_.MustWrite(in_line);
  const SsdLocation from = *ssd_.LocationOf(block);
  SsdLocation elsewhere = from;
  elsewhere.slot += 1;
  ssd_.Erase(block);

  const std::vector<SsdMove> moves = {
      {block.key(), from}, {block.key(), elsewhere}, {in_line.key(), *ssd_.LocationOf(in_line)}};

  for (const absl::StatusOr<SsdLocation>& to : ssd_.tier().Move(moves)) {
    EXPECT_TRUE(absl::IsNotFound(to.status())) << to.status();
  }
  EXPECT_EQ(ssd_.tier().stats().blocks, 1u);
}

TEST_F(SsdTest, NamespacesSurviveARestart) {
  ASSERT_TRUE(ssd_.Open().ok());
  ASSERT_TRUE(ssd_.tier().PutNamespace(TestNamespace(), "descriptor one").ok());
  ASSERT_TRUE(ssd_.tier().PutNamespace(NamespaceId{Sha256Of("other")}, "descriptor two").ok());

  ssd_.Reopen();

  EXPECT_EQ(ssd_.tier().LoadNamespaces(),
            (std::vector<std::string>{"descriptor one", "descriptor two"}));
}

TEST_F(SsdTest, ADeletedNamespaceTakesItsBlocksAndRoomWithIt) {
  ASSERT_TRUE(ssd_.Open().ok());
  ASSERT_TRUE(ssd_.tier().PutNamespace(TestNamespace(), "descriptor").ok());
  std::vector<TestBlock> blocks = Blocks(1, 40, 8 * kKiB);
  for (const TestBlock& block : Blocks(100, 40, 64 * kKiB)) blocks.push_back(block);
  for (const TestBlock& block : blocks) ssd_.MustWrite(block);

  ssd_.tier().DeleteNamespace(TestNamespace(), blocks[0].key().ns);

  EXPECT_EQ(ssd_.ReadAll(blocks), 0u);
  EXPECT_EQ(ssd_.tier().stats().blocks, 0u);
  ssd_.Reopen();
  EXPECT_TRUE(ssd_.locations.empty());
  EXPECT_TRUE(ssd_.tier().LoadNamespaces().empty());
}

TEST_F(SsdTest, AnotherNumberOfPartitionsStartsEmptyInsteadOfFailing) {
  ASSERT_TRUE(ssd_.Open().ok());
  for (const TestBlock& block : Blocks(1, 50, 64 * kKiB)) ssd_.MustWrite(block);
  ssd_.options.partitions = 4;

  ssd_.Reopen();

  EXPECT_TRUE(ssd_.locations.empty());
  for (const TestBlock& block : Blocks(1, 50, 64 * kKiB)) ssd_.MustWrite(block);
  EXPECT_FALSE(std::filesystem::exists(ssd_.options.directory + "/partition-7"));
}

TEST_F(SsdTest, ADirectoryThatOthersMayWriteIsRefusedWithTheRemedy) {
  ASSERT_EQ(::mkdir(ssd_.options.directory.c_str(), 0700), 0);
  ASSERT_EQ(::chmod(ssd_.options.directory.c_str(), 0777), 0);

  const absl::Status status = ssd_.Open();

  EXPECT_TRUE(absl::IsFailedPrecondition(status)) << status;
  EXPECT_NE(status.message().find("chmod 0700"), absl::string_view::npos) << status;
}

TEST_F(SsdTest, ADirectoryThatIsALinkOrAFileIsRefused) {
  const std::string real = directory_.path() + "/real";
  ASSERT_EQ(::mkdir(real.c_str(), 0700), 0);
  std::filesystem::create_directory_symlink(real, ssd_.options.directory);
  EXPECT_TRUE(absl::IsFailedPrecondition(ssd_.Open()));

  ssd_.options.directory = directory_.path() + "/absent/ssd";
  EXPECT_TRUE(absl::IsUnavailable(ssd_.Open()));
}

TEST_F(SsdTest, ADirectoryInUseIsRefused) {
  ASSERT_TRUE(ssd_.Open().ok());
  TierUnderTest second(ssd_.options.directory);

  EXPECT_TRUE(absl::IsFailedPrecondition(second.Open()));

  ssd_.MustWrite({1, 64 * kKiB});
}

TEST_F(SsdTest, AQuotaBelowTheMinimumIsRefusedAndTheMinimumWorks) {
  const uint64_t minimum = RocksSsdTier::MinimumQuotaBytes(ssd_.options.partitions);
  ssd_.options.quota_bytes = minimum - 1;
  EXPECT_TRUE(absl::IsInvalidArgument(ssd_.Open()));

  ssd_.options.quota_bytes = minimum;
  ASSERT_TRUE(ssd_.Open().ok());
  ssd_.MustWrite({1, 64 * kKiB});
  ssd_.MustWrite({2, 8 * kKiB});
  EXPECT_LE(UsedBytes(ssd_.options.directory), minimum);
}

TEST_F(SsdTest, OptionsOutOfBoundsAreRefusedByName) {
  const auto message = [](void (*change)(RocksSsdTier::Options&)) {
    RocksSsdTier::Options options;
    options.directory = "/unused";
    options.quota_bytes = uint64_t{1} << 30;
    change(options);
    return std::string(options.Validate().message());
  };
  using Options = RocksSsdTier::Options;
  EXPECT_EQ(message([](Options&) {}), "");
  EXPECT_THAT(message([](Options& o) { o.directory = ""; }), ::testing::HasSubstr("directory"));
  EXPECT_THAT(message([](Options& o) { o.partitions = 0; }), ::testing::HasSubstr("partitions"));
  EXPECT_THAT(message([](Options& o) { o.partitions = 65; }), ::testing::HasSubstr("partitions"));
  EXPECT_EQ(message([](Options& o) { o.partitions = 64; }), "");
  EXPECT_THAT(message([](Options& o) { o.inline_payload_max_bytes = 65'537; }),
              ::testing::HasSubstr("inline"));
  EXPECT_EQ(message([](Options& o) { o.inline_payload_max_bytes = 65'536; }), "");
  EXPECT_THAT(message([](Options& o) { o.io_threads = 0; }), ::testing::HasSubstr("io_threads"));
  EXPECT_THAT(message([](Options& o) { o.io_queue_limit = 0; }),
              ::testing::HasSubstr("io_queue_limit"));
}

TEST_F(SsdTest, BufferedFilesWorkLikeDirectOnes) {
  ssd_.options.direct_io = false;
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 20, 100'001);
  for (const TestBlock& block : blocks) ssd_.MustWrite(block);
  ssd_.options.direct_io = true;

  ssd_.Reopen();

  EXPECT_EQ(ssd_.ReadAll(blocks), blocks.size());
}

TEST_F(SsdTest, AFullArenaIsNoRoomAndTheBlockStays) {
  ASSERT_TRUE(ssd_.Open().ok());
  const TestBlock block{1, 4096 * kKiB};
  ssd_.MustWrite(block);
  {
    std::vector<BlockBuffer> hog;
    for (;;) {
      absl::StatusOr<BlockBuffer> more = ssd_.arena().Allocate(4096 * kKiB);
      if (!more.ok()) break;
      hog.push_back(*std::move(more));
    }
    EXPECT_TRUE(absl::IsResourceExhausted(ssd_.Read(block).status()));
  }
  EXPECT_EQ(ssd_.ReadAll({block}), 1u);
}

TEST_F(SsdTest, BatchesAnswerInOrder) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> blocks = Blocks(1, 64, 64 * kKiB);
  for (size_t i = 0; i < blocks.size(); i += 2) ssd_.MustWrite(blocks[i]);
  std::vector<SsdRead> reads;
  for (const TestBlock& block : blocks) {
    reads.push_back({block.key(), block.identity(),
                     ssd_.LocationOf(block).value_or(SsdLocation{1, 0, 64 * kKiB})});
  }

  const std::vector<absl::StatusOr<BlockRef>> results = ssd_.tier().Read(reads);

  ASSERT_EQ(results.size(), blocks.size());
  for (size_t i = 0; i < blocks.size(); ++i) {
    ASSERT_EQ(results[i].ok(), i % 2 == 0) << i;
    if (results[i].ok()) {
      EXPECT_EQ(AsText(results[i]->payload()), blocks[i].payload());
    }
  }
}

}  // namespace
}  // namespace halflife
