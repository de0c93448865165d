#include "storage/tiers/dram_arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/limits.h"
#include "gmock/gmock.h"
#include "tests/storage/arena/arena_fixture.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HL_WITH_ADDRESS_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)  // gcc; some headers define __has_feature there as well
#define HL_WITH_ADDRESS_SANITIZER 1
#endif

namespace halflife {
namespace {

using ::testing::HasSubstr;

TEST(DramArenaOptions, AreCheckedAtTheirLimits) {
  const auto valid = [](uint64_t budget_bytes, int max_classes) {
    return DramArena::Options{.budget_bytes = budget_bytes, .max_classes = max_classes}
        .Validate()
        .ok();
  };

  EXPECT_FALSE(valid(kMinBlockBytes - 1, 1));
  EXPECT_TRUE(valid(kMinBlockBytes, 1));
  EXPECT_FALSE(valid(kGiB, 0));
  EXPECT_TRUE(valid(kGiB, 1));
  EXPECT_TRUE(valid(kGiB, 1024));
  EXPECT_FALSE(valid(kGiB, 1025));
  EXPECT_TRUE(valid(uint64_t{1} << 40, 64));
  EXPECT_FALSE(valid((uint64_t{1} << 40) + 1, 64));
}

TEST(DramArenaOptions, ARefusalNamesTheNumber) {
  const auto arena = DramArena::Create({.budget_bytes = 17});

  EXPECT_EQ(arena.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(arena.status().message()), HasSubstr("budget_bytes is 17"));
}

TEST(DramArena, HandsOutEveryByteOfItsBudgetAndNotOneMore) {
  // Neither a multiple of the slab nor of the block: 13 blocks and a rest.
  constexpr uint64_t kBlock = 68 * kKiB;
  const auto arena = MakeArena(13 * kBlock + 67 * kKiB);

  std::vector<BlockRef> blocks = FillUp(*arena, kBlock);

  EXPECT_EQ(blocks.size(), 13u);
  EXPECT_EQ(arena->stats().slab_bytes, 13 * kBlock);
  EXPECT_EQ(arena->stats().allocated_bytes, 13 * kBlock);
  EXPECT_EQ(arena->stats().allocated_blocks, 13u);
  EXPECT_FALSE(arena->HasRoom(kBlock));
  EXPECT_TRUE(arena->HasRoom(64 * kKiB));
  EXPECT_EQ(arena->FreeBytesFor(4 * kKiB), 64 * kKiB);
}

TEST(DramArena, ABudgetOfExactlyOneBlockHoldsOneBlock) {
  for (const uint64_t block_bytes : {4 * kKiB, 68 * kKiB, kMiB, 64 * kMiB}) {
    const auto exact = MakeArena(block_bytes);
    const auto one_less = MakeArena(std::max(block_bytes - 1, kMinBlockBytes));

    EXPECT_EQ(FillUp(*exact, block_bytes).size(), 1u) << block_bytes;
    EXPECT_EQ(FillUp(*one_less, block_bytes).size(), block_bytes == kMinBlockBytes ? 1u : 0u)
        << block_bytes;
  }
}

TEST(DramArena, ARefusalNamesTheBytesAndIsCounted) {
  const auto arena = MakeArena(2 * kMiB);
  std::vector<BlockRef> blocks = FillUp(*arena, kMiB);

  const auto refused = arena->Allocate(kMiB);

  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(refused.status().message(),
            "DRAM tier: 1048576 bytes wanted, 2097152 of 2097152 in use");
  EXPECT_EQ(arena->stats().refused, 2u);  // FillUp ended with one
}

TEST(DramArena, RefusesBlockSizesOutsideTheContract) {
  const auto arena = MakeArena(kGiB, 2);

  EXPECT_EQ(arena->Allocate(0).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(arena->Allocate(1).ok());
  EXPECT_TRUE(arena->Allocate(kMaxBlockBytes).ok());
  EXPECT_EQ(arena->Allocate(kMaxBlockBytes + 1).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(arena->HasRoom(0));
}

TEST(DramArena, BlocksArePageAlignedAndDoNotOverlap) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> blocks;
  uint64_t seed = 0;
  for (const size_t payload_bytes : {4096u, 4097u, 5000u, 65536u, 100000u, 1048576u, 3000001u}) {
    for (int copy = 0; copy < 3; ++copy) {
      BlockBuffer buffer = *arena->Allocate(payload_bytes);
      ASSERT_EQ(buffer.bytes().size(), payload_bytes);
      ASSERT_EQ(buffer.padded_bytes().size(), (payload_bytes + 4095) / 4096 * 4096);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(buffer.bytes().data()) % 4096, 0u);
      Fill(buffer.bytes(), ++seed);
      blocks.push_back(SealAs(std::move(buffer), static_cast<uint32_t>(seed)));
    }
  }

  for (const BlockRef& block : blocks) {
    EXPECT_TRUE(Holds(block.payload(), block.header().depth));
    EXPECT_EQ(block.arena_bytes(), (block.payload().size() + 4095) / 4096 * 4096);
  }
}

TEST(DramArena, TheTailBehindAPayloadNeverShowsAnOlderBlock) {
  const auto arena = MakeArena(8 * kKiB, 1);
  {
    BlockBuffer old = *arena->Allocate(8 * kKiB);
    std::memset(old.bytes().data(), 0xee, old.bytes().size());
  }

  const BlockBuffer reused = *arena->Allocate(5000);

  ASSERT_EQ(reused.padded_bytes().size(), 8 * kKiB);
  EXPECT_THAT(reused.padded_bytes().subspan(5000), ::testing::Each(0));
}

TEST(BlockBuffer, IsFreedWhenItIsDroppedUnsealed) {
  const auto arena = MakeArena(kMiB);
  { const BlockBuffer dropped = *arena->Allocate(kMiB); }

  EXPECT_EQ(arena->stats().allocated_blocks, 0u);
  EXPECT_TRUE(arena->Allocate(kMiB).ok());
}

TEST(BlockBuffer, MovesWithoutFreeingOrCopying) {
  const auto arena = MakeArena(2 * kMiB);
  BlockBuffer first = *arena->Allocate(kMiB);
  BlockBuffer second = *arena->Allocate(kMiB);
  uint8_t* const bytes = first.bytes().data();

  second = std::move(first);
  BlockBuffer third(std::move(second));

  EXPECT_EQ(third.bytes().data(), bytes);
  EXPECT_FALSE(second);
}

TEST(BlockBuffer, SealsIntoTheSameBytesUnderTheGivenHeader) {
  const auto arena = MakeArena(kMiB);
  BlockBuffer buffer = *arena->Allocate(10000);
  Fill(buffer.bytes(), 7);
  const uint8_t* const bytes = buffer.bytes().data();
  BlockHeader header;
  header.identity.hash.bytes[0] = 0xab;
  header.payload_bytes = 10000;
  header.depth = 3;

  const BlockRef block = std::move(buffer).Seal(header);

  EXPECT_EQ(block.header(), header);
  EXPECT_EQ(block.payload().data(), bytes);
  EXPECT_EQ(block.payload().size(), 10000u);
  EXPECT_TRUE(Holds(block.payload(), 7));
  EXPECT_TRUE(block.unique());
}

TEST(BlockBufferDeathTest, RefusesAHeaderOfAnotherLength) {
  const auto arena = MakeArena(kMiB);
  BlockBuffer buffer = *arena->Allocate(10000);
  BlockHeader header;
  header.payload_bytes = 9999;

  EXPECT_DEATH(std::move(buffer).Seal(header), "HL_CHECK failed");
}

TEST(BlockRef, EveryCopyIsAPin) {
  const auto arena = MakeArena(kMiB);
  BlockRef index = SealAs(*arena->Allocate(kMiB), 1);
  BlockRef reader = index;
  EXPECT_FALSE(index.unique());

  index = BlockRef();
  EXPECT_TRUE(reader.unique());
  EXPECT_FALSE(arena->HasRoom(kMiB));

  reader = BlockRef();
  EXPECT_FALSE(reader.unique());
  EXPECT_TRUE(arena->HasRoom(kMiB));
  EXPECT_EQ(arena->stats().allocated_bytes, 0u);
}

TEST(BlockRef, SurvivesSelfAssignmentAndMoves) {
  const auto arena = MakeArena(kMiB);
  BlockRef block = SealAs(*arena->Allocate(kMiB), 1);

  const BlockRef& same = block;
  block = same;
  BlockRef moved = std::move(block);

  EXPECT_FALSE(block);
  EXPECT_TRUE(moved.unique());
}

TEST(BlockRef, TravelsThroughARawPointer) {
  const auto arena = MakeArena(kMiB);
  BlockRef block = SealAs(*arena->Allocate(kMiB), 9);

  void* leaked = BlockRef(block).Leak();
  block = BlockRef();
  EXPECT_EQ(arena->stats().allocated_blocks, 1u);

  BlockRef adopted = BlockRef::Adopt(leaked);
  EXPECT_TRUE(adopted.unique());
  EXPECT_EQ(adopted.header().depth, 9u);
}

TEST(DramArenaDeathTest, EndsOnlyWhenEveryBlockIsGone) {
  EXPECT_DEATH(
      {
        auto arena = MakeArena(kMiB);
        BlockRef block = SealAs(*arena->Allocate(kMiB), 1);
        arena.reset();
      },
      "HL_CHECK failed");
}

#if defined(HL_WITH_ADDRESS_SANITIZER)
TEST(BlockRefDeathTest, ReadingAfterTheLastReferenceIsCaught) {
  const auto arena = MakeArena(kMiB);
  BlockRef block = SealAs(*arena->Allocate(kMiB), 1);
  const volatile uint8_t* const bytes = block.payload().data();
  block = BlockRef();

  EXPECT_DEATH(static_cast<void>(bytes[100]), "use-after-poison");
}
#endif

TEST(DramArena, AnotherMappingOfTheFileSeesTheBlockAtItsOffset) {
  const auto arena = MakeArena(8 * kMiB);
  std::vector<BlockRef> others = FillUp(*arena, 64 * kKiB, 5);
  BlockBuffer buffer = *arena->Allocate(kMiB);
  Fill(buffer.bytes(), 42);
  const BlockRef block = SealAs(std::move(buffer), 42);

  void* const view = mmap(nullptr, kMiB, PROT_READ, MAP_SHARED, arena->memfd(),
                          static_cast<off_t>(arena->OffsetOf(block)));

  ASSERT_NE(view, MAP_FAILED);
  EXPECT_TRUE(Holds({static_cast<const uint8_t*>(view), kMiB}, 42));
  munmap(view, kMiB);
}

TEST(DramArena, NobodyCanShrinkTheFileUnderAReader) {
  const auto arena = MakeArena(8 * kMiB);

  EXPECT_EQ(ftruncate(arena->memfd(), 0), -1);
  EXPECT_EQ(fcntl(arena->memfd(), F_GET_SEALS) & (F_SEAL_SHRINK | F_SEAL_GROW),
            F_SEAL_SHRINK | F_SEAL_GROW);
}

TEST(DramArena, HoldsSizesFrom4KiBTo64MiBAtOnce) {
  const auto arena = MakeArena(256 * kMiB);
  std::vector<BlockRef> blocks;
  uint64_t seed = 100;
  uint64_t bytes = 0;
  for (const size_t payload_bytes :
       {4 * kKiB, 36 * kKiB, 512 * kKiB, 3 * kMiB, 20 * kMiB, 64 * kMiB}) {
    BlockBuffer buffer = *arena->Allocate(payload_bytes);
    Fill(buffer.bytes().first(2048), seed);
    Fill(buffer.bytes().last(2048), seed + 1);
    blocks.push_back(SealAs(std::move(buffer), static_cast<uint32_t>(seed)));
    bytes += payload_bytes;
    seed += 2;
  }

  EXPECT_EQ(arena->stats().allocated_bytes, bytes);
  EXPECT_EQ(arena->stats().classes, 6);
  for (const BlockRef& block : blocks) {
    EXPECT_TRUE(Holds(block.payload().first(2048), block.header().depth));
    EXPECT_TRUE(Holds(block.payload().last(2048), block.header().depth + 1));
  }
}

TEST(DramArena, SlabRoundingCostsLessThanThreePercent) {
  for (const size_t payload_bytes : {64 * kKiB, 100 * kKiB, 160 * kKiB, 384 * kKiB,
                                     uint64_t{655360}, 700 * kKiB, 1000 * kKiB, kMiB}) {
    const auto arena = MakeArena(kGiB, 1);

    const std::vector<BlockRef> blocks = FillUp(*arena, payload_bytes);

    EXPECT_GE(blocks.size() * payload_bytes, kGiB / 100 * 97) << payload_bytes;
    EXPECT_LE(arena->stats().slab_bytes, kGiB) << payload_bytes;
  }
}

}  // namespace
}  // namespace halflife
