// Memory that moves between block sizes.

#include <algorithm>
#include <random>

#include "gmock/gmock.h"
#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;

// Drops every block that is in `slab`, as the migrator does by eviction.
size_t EvictFrom(const DramArena& arena, const DramArena::SlabPressure& slab,
                 std::vector<BlockRef>& blocks) {
  return std::erase_if(blocks, [&](const BlockRef& block) { return arena.InSlab(block, slab); });
}

TEST(DramArenaClasses, ASecondSizeGetsAllMemoryOnceTheFirstOneIsGone) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> first = FillUp(*arena, 64 * kKiB);
  ASSERT_EQ(first.size(), 1024u);
  EXPECT_FALSE(arena->HasRoom(kMiB));

  first.clear();

  // The one slab that the first class keeps is given up for the second.
  EXPECT_EQ(arena->FreeBytesFor(kMiB), 64 * kMiB);
  EXPECT_EQ(FillUp(*arena, kMiB).size(), 64u);
}

TEST(DramArenaClasses, OneEmptySlabStaysWithItsClassUntilAnotherOneNeedsIt) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> first = FillUp(*arena, 64 * kKiB);

  first.clear();

  EXPECT_EQ(arena->stats().slabs, 1u);
  EXPECT_EQ(arena->stats().slab_bytes, kMiB);
  const std::vector<BlockRef> second = FillUp(*arena, 64 * kMiB);
  EXPECT_EQ(second.size(), 1u);
  EXPECT_EQ(arena->stats().classes, 1);
}

TEST(DramArenaClasses, ScatteredHolesAreNoRoomUntilASlabIsRetired) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);
  // Every other block goes: half of the arena is free and yet every slab is in use.
  for (size_t at = 0; at < small.size(); at += 2) small[at] = BlockRef();
  std::erase_if(small, [](const BlockRef& block) { return !block; });
  ASSERT_EQ(small.size(), 512u);
  ASSERT_FALSE(arena->HasRoom(kMiB));

  const DramArena::SlabPressure slab = arena->MostWastefulSlab(kMiB);
  ASSERT_GE(slab.class_index, 0);
  EXPECT_EQ(slab.block_bytes, 64 * kKiB);
  EXPECT_EQ(slab.free_bytes, 32 * kMiB);
  arena->RetireSlab(slab);
  const size_t evicted = EvictFrom(*arena, slab, small);

  EXPECT_EQ(evicted, slab.blocks_in_use);
  EXPECT_EQ(evicted, 8u);
  EXPECT_TRUE(arena->HasRoom(kMiB));
  EXPECT_TRUE(arena->Allocate(kMiB).ok());
}

TEST(DramArenaClasses, ARetiredSlabHandsOutNothingMore) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);
  for (size_t at = 0; at < small.size(); at += 2) small[at] = BlockRef();
  const DramArena::SlabPressure slab = arena->MostWastefulSlab(kMiB);
  arena->RetireSlab(slab);

  const std::vector<BlockRef> refill = FillUp(*arena, 64 * kKiB);

  EXPECT_EQ(refill.size(), 512u - 8u);
  EXPECT_TRUE(std::none_of(refill.begin(), refill.end(),
                           [&](const BlockRef& block) { return arena->InSlab(block, slab); }));
}

TEST(DramArenaClasses, TheSlabThatCostsTheFewestBlocksIsNamedFirst) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);
  // Every slab of 16 loses 8, the one of block 500 loses 13.
  const uint64_t chosen = arena->OffsetOf(small[500]) / kMiB;
  for (size_t at = 0; at < small.size(); ++at) {
    const bool in_chosen = arena->OffsetOf(small[at]) / kMiB == chosen;
    if (in_chosen ? at % 16 >= 3 : at % 2 == 0) small[at] = BlockRef();
  }
  std::erase_if(small, [](const BlockRef& block) { return !block; });

  const DramArena::SlabPressure slab = arena->MostWastefulSlab(kMiB);

  EXPECT_EQ(slab.blocks_in_use, 3u);
  EXPECT_EQ(EvictFrom(*arena, slab, small), 3u);
}

TEST(DramArenaClasses, ABigBlockGathersManyRetiredSlabs) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);
  std::shuffle(small.begin(), small.end(), std::mt19937(1));
  small.resize(small.size() / 4);

  int retired = 0;
  while (!arena->HasRoom(32 * kMiB)) {
    const DramArena::SlabPressure slab = arena->MostWastefulSlab(32 * kMiB);
    ASSERT_GE(slab.class_index, 0) << "after " << retired;
    ASSERT_LT(++retired, 64);
    arena->RetireSlab(slab);
    EvictFrom(*arena, slab, small);
  }

  EXPECT_TRUE(arena->Allocate(32 * kMiB).ok());
  EXPECT_FALSE(small.empty());  // it cost the blocks of those slabs, not everything
}

TEST(DramArenaClasses, AStaleAnswerRetiresNothing) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);
  for (size_t at = 0; at < small.size(); at += 2) small[at] = BlockRef();
  const DramArena::SlabPressure stale = arena->MostWastefulSlab(kMiB);
  small.clear();
  { const std::vector<BlockRef> other_size = FillUp(*arena, kMiB); }
  small = FillUp(*arena, 64 * kKiB);

  arena->RetireSlab(stale);

  EXPECT_EQ(EvictFrom(*arena, stale, small), 0u);
  for (size_t at = 0; at < small.size(); at += 2) small[at] = BlockRef();
  EXPECT_EQ(FillUp(*arena, 64 * kKiB).size(), 512u) << "a slab refuses: it was retired";
}

TEST(DramArenaClasses, NoSlabIsWastefulWhileNoClassHasAWholeSlabFree) {
  const auto arena = MakeArena(64 * kMiB);
  EXPECT_EQ(arena->MostWastefulSlab(kMiB).class_index, -1);
  std::vector<BlockRef> small = FillUp(*arena, 64 * kKiB);

  small.resize(small.size() - 15);  // a slab has 16
  EXPECT_EQ(arena->MostWastefulSlab(kMiB).class_index, -1);

  small.pop_back();
  EXPECT_GE(arena->MostWastefulSlab(kMiB).class_index, 0);
  EXPECT_EQ(arena->MostWastefulSlab(64 * kKiB).class_index, -1)
      << "the asking class does not count";
}

TEST(DramArenaClasses, AShortSlabGrowsWhenTheBudgetComesBack) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> large = FillUp(*arena, kMiB, 63);
  std::vector<BlockRef> odd = FillUp(*arena, 192 * kKiB);
  ASSERT_EQ(odd.size(), 5u);  // 5 * 192 KiB in the last MiB

  large.resize(33);
  std::vector<BlockRef> more = FillUp(*arena, 192 * kKiB);

  EXPECT_EQ(odd.size() + more.size(), 31 * kMiB / (192 * kKiB));
  EXPECT_FALSE(arena->HasRoom(192 * kKiB));
}

TEST(DramArenaClasses, ASizeThatIsNoLongerUsedMakesPlaceForAnother) {
  const auto arena = MakeArena(64 * kMiB, 2);
  std::vector<BlockRef> first = FillUp(*arena, 64 * kKiB, 1);
  std::vector<BlockRef> second = FillUp(*arena, 128 * kKiB, 1);

  const auto refused = arena->Allocate(256 * kKiB);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(refused.status().message()), HasSubstr("all 2 size classes in use"));
  EXPECT_FALSE(arena->HasRoom(256 * kKiB));

  first.clear();
  EXPECT_TRUE(arena->HasRoom(256 * kKiB));
  EXPECT_EQ(FillUp(*arena, 256 * kKiB, 4).size(), 4u);
}

TEST(DramArenaClasses, ARecycledClassServesManySizesInTurnWithoutMixingBytes) {
  const auto arena = MakeArena(16 * kMiB, 2);
  const BlockRef resident = [&] {
    BlockBuffer buffer = *arena->Allocate(kMiB);
    Fill(buffer.bytes(), 1);
    return SealAs(std::move(buffer), 1);
  }();

  for (uint32_t round = 2; round < 40; ++round) {
    BlockBuffer buffer = *arena->Allocate(round * 12 * kKiB + 5);
    Fill(buffer.bytes(), round);
    const BlockRef block = SealAs(std::move(buffer), round);
    ASSERT_TRUE(Holds(block.payload(), round));
    ASSERT_LE(arena->stats().classes, 2);
  }

  EXPECT_TRUE(Holds(resident.payload(), 1));
}

TEST(DramArenaClasses, MemoryReallyGoesBackToTheSystem) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> blocks;
  for (int count = 0; count < 64; ++count) {
    BlockBuffer buffer = *arena->Allocate(kMiB);
    std::memset(buffer.bytes().data(), 1, buffer.bytes().size());
    blocks.push_back(SealAs(std::move(buffer), 1));
  }
  ASSERT_GE(ResidentFileBytes(*arena), 64 * kMiB);

  blocks.resize(16);

  EXPECT_LE(ResidentFileBytes(*arena), 17 * kMiB);
  EXPECT_LE(ResidentFileBytes(*arena), arena->stats().slab_bytes);
  blocks.clear();
  EXPECT_LE(ResidentFileBytes(*arena), kMiB);
  EXPECT_EQ(arena->stats().stuck_bytes, 0u);
}

TEST(DramArenaClasses, TheFileNeverHoldsMoreThanTheBudgetWhileSizesChange) {
  constexpr uint64_t kBudget = 16 * kMiB + 12 * kKiB;
  const auto arena = MakeArena(kBudget, 4);
  std::mt19937_64 random(7);
  std::vector<BlockRef> blocks;

  for (int step = 0; step < 4000; ++step) {
    const size_t sizes[] = {4 * kKiB, 20 * kKiB, 256 * kKiB, 700 * kKiB, 3 * kMiB};
    auto buffer = arena->Allocate(sizes[random() % 5]);
    if (buffer.ok()) {
      std::memset(buffer->bytes().data(), 1, buffer->bytes().size());
      blocks.push_back(SealAs(*std::move(buffer), 1));
    } else {
      for (int drop = 0; drop < 3 && !blocks.empty(); ++drop) {
        std::swap(blocks[random() % blocks.size()], blocks.back());
        blocks.pop_back();
      }
    }
    const DramArena::Stats stats = arena->stats();
    ASSERT_LE(stats.slab_bytes, kBudget);
    ASSERT_LE(stats.allocated_bytes, stats.slab_bytes);
    ASSERT_EQ(stats.allocated_blocks, blocks.size());
    if (step % 50 == 0) {
      ASSERT_LE(ResidentFileBytes(*arena), stats.slab_bytes);
    }
  }
}

TEST(DramArenaClasses, SteadyTrafficOfOneSizeKeepsItsSlabs) {
  const auto arena = MakeArena(64 * kMiB);
  std::vector<BlockRef> blocks = FillUp(*arena, 64 * kKiB, 16);  // one slab, full
  ASSERT_EQ(arena->stats().slabs, 1u);

  for (int round = 0; round < 100; ++round) {
    const BlockRef at_the_edge = SealAs(*arena->Allocate(64 * kKiB), 1);
    ASSERT_EQ(arena->stats().slabs, 2u);
  }

  EXPECT_EQ(arena->stats().slabs, 2u);  // kept, not opened and punched 100 times
}

}  // namespace
}  // namespace halflife
