#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>

#include "common/generation_words.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {
namespace {

constexpr uint64_t kBudgetBytes = 8 << 20;
constexpr uint64_t kBlockBytes = 64 << 10;

// What another process sees of an arena: maps of the descriptors it is given.
class DramSharing : public testing::Test {
 protected:
  void SetUp() override {
    auto arena = DramArena::Create({.budget_bytes = kBudgetBytes, .huge_pages = false});
    ASSERT_TRUE(arena.ok()) << arena.status();
    arena_ = *std::move(arena);
    share_ = arena_->share();
    ASSERT_TRUE(share_.possible());
    bytes_ = static_cast<const uint8_t*>(
        mmap(nullptr, share_.arena_bytes, PROT_READ, MAP_SHARED, share_.arena_fd, 0));
    ASSERT_NE(bytes_, MAP_FAILED);
    const size_t generation_bytes = GenerationFileBytes(share_.generation_words);
    generations_ = static_cast<const uint8_t*>(
        mmap(nullptr, generation_bytes, PROT_READ, MAP_SHARED, share_.generations_fd, 0));
    ASSERT_NE(generations_, MAP_FAILED);
    reader_ = GenerationReader(generations_, share_.generation_words);
  }
  void TearDown() override {
    munmap(const_cast<uint8_t*>(bytes_), share_.arena_bytes);
    munmap(const_cast<uint8_t*>(generations_), GenerationFileBytes(share_.generation_words));
  }

  BlockRef NewBlock(int fill, uint64_t payload_bytes = kBlockBytes) {
    BlockBuffer buffer = *arena_->Allocate(payload_bytes);
    std::memset(buffer.bytes().data(), fill, payload_bytes);
    BlockHeader header;
    header.payload_bytes = payload_bytes;
    return std::move(buffer).Seal(header);
  }

  std::unique_ptr<DramArena> arena_;
  ArenaShare share_;
  const uint8_t* bytes_ = nullptr;
  const uint8_t* generations_ = nullptr;
  GenerationReader reader_;
};

TEST_F(DramSharing, ABlockIsSeenWhereTheArenaSaysItIs) {
  const BlockRef block = NewBlock(0x42);

  const uint8_t* const seen = bytes_ + arena_->OffsetOf(block);

  EXPECT_EQ(seen[0], 0x42);
  EXPECT_EQ(seen[kBlockBytes - 1], 0x42);
  EXPECT_TRUE(reader_.Holds(arena_->OffsetOf(block), arena_->GenerationOf(block)));
}

TEST_F(DramSharing, AGenerationHoldsAsLongAsAReferenceDoesAndNotAMomentLonger) {
  BlockRef block = NewBlock(1);
  BlockRef second = block;
  const uint64_t offset = arena_->OffsetOf(block);
  const uint64_t generation = arena_->GenerationOf(block);

  block = BlockRef();
  EXPECT_TRUE(reader_.Holds(offset, generation));
  second = BlockRef();
  EXPECT_FALSE(reader_.Holds(offset, generation));

  const BlockRef again = NewBlock(2);
  ASSERT_EQ(arena_->OffsetOf(again), offset) << "the same slot";
  EXPECT_FALSE(reader_.Holds(offset, generation));
  EXPECT_TRUE(reader_.Holds(offset, arena_->GenerationOf(again)));
}

TEST_F(DramSharing, ABufferThatIsDroppedUnsealedEndsItsGenerationToo) {
  uint64_t offset = 0, generation = 0;
  {
    const BlockRef block = NewBlock(1);
    offset = arena_->OffsetOf(block);
  }
  {
    const BlockRef block = NewBlock(2);
    ASSERT_EQ(arena_->OffsetOf(block), offset);
    generation = arena_->GenerationOf(block);
  }
  { const BlockBuffer buffer = *arena_->Allocate(kBlockBytes); }

  EXPECT_FALSE(reader_.Holds(offset, generation));
  EXPECT_FALSE(reader_.Holds(offset, generation + 1));
}

TEST_F(DramSharing, WhenTheArenaGoesNoGenerationHoldsAndItsPagesAreGivenBack) {
  const int kept = fcntl(share_.arena_fd, F_DUPFD_CLOEXEC, 0);
  BlockRef block = NewBlock(7);
  const uint64_t offset = arena_->OffsetOf(block);
  struct stat facts {};
  ASSERT_EQ(fstat(kept, &facts), 0);
  ASSERT_GE(static_cast<uint64_t>(facts.st_blocks) * 512, kBlockBytes);
  block = BlockRef();
  const uint64_t generation_now = reader_.Holds(offset, 0) ? 0 : reader_.Holds(offset, 1) ? 1 : 2;
  ASSERT_TRUE(reader_.Holds(offset, generation_now));

  arena_.reset();

  EXPECT_FALSE(reader_.Holds(offset, generation_now));
  ASSERT_EQ(fstat(kept, &facts), 0);
  EXPECT_EQ(facts.st_blocks, 0) << "though this process still maps the file";
  close(kept);
}

TEST_F(DramSharing, TheNumberOfWordsFollowsTheBudgetWithinItsBounds) {
  EXPECT_EQ(share_.generation_words, 4096u);
  auto large = DramArena::Create({.budget_bytes = uint64_t{1} << 30, .huge_pages = false});
  ASSERT_TRUE(large.ok());
  EXPECT_EQ((*large)->share().generation_words, (uint64_t{1} << 30) / (64 << 10));
  auto huge = DramArena::Create({.budget_bytes = uint64_t{1} << 38, .huge_pages = false});
  if (!huge.ok())
    GTEST_SKIP() << "no 256 GiB of addresses, as under a sanitizer: " << huge.status();
  EXPECT_EQ((*huge)->share().generation_words, uint64_t{1} << 20);
}

}  // namespace
}  // namespace halflife
