#include "storage/tiers/dram_populator.h"

#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

// Slabs of 4 MiB, two empty ones stay with their class.
constexpr uint64_t kBudget = 256 * kMiB;
constexpr uint64_t kStock = 8 * kMiB;
constexpr size_t kBlock = 64 * kKiB;

// Until there is nothing left to do.
void PopulateAll(ArenaPopulator& populator) {
  while (populator.Step() > 0) continue;
}

TEST(ArenaPopulator, DoesNothingBeforeASizeIsExpected) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = kStock}, arena.get());

  EXPECT_EQ(populator.Step(), 0u);

  EXPECT_EQ(arena->stats().slab_bytes, 0u);
}

TEST(ArenaPopulator, KeepsAStockForTheSizeThatIsExpectedAndNotAPageMore) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = kStock}, arena.get());

  arena->Expect(kBlock);
  PopulateAll(populator);

  EXPECT_EQ(populator.populated_bytes(), kStock);
  EXPECT_EQ(ResidentFileBytes(*arena), kStock);
  EXPECT_EQ(arena->stats().allocated_bytes, 0u);
}

TEST(ArenaPopulator, AStepTakesNoMoreThanItsShareOfASecond) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = kStock, .bytes_per_s = 50 * kMiB}, arena.get());
  arena->Expect(4 * kMiB);

  EXPECT_EQ(populator.Step(), kMiB);  // of 20 ms; the slot goes on in the next one

  EXPECT_EQ(ResidentFileBytes(*arena), kMiB);
}

TEST(ArenaPopulator, BlocksTakeWhatIsPopulatedAndTheStockIsMadeUp) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = kStock}, arena.get());
  arena->Expect(kBlock);
  PopulateAll(populator);

  const std::vector<BlockRef> blocks = FillUp(*arena, kBlock, 64);
  EXPECT_EQ(ResidentFileBytes(*arena), kStock) << "4 MiB of it are blocks now";
  PopulateAll(populator);

  EXPECT_EQ(ResidentFileBytes(*arena), kStock + 4 * kMiB);
  EXPECT_EQ(arena->stats().allocated_bytes, 4 * kMiB);
}

TEST(ArenaPopulator, TheSizeThatWasAllocatedLastIsTheOneThatIsExpected) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = kStock}, arena.get());
  arena->Expect(kBlock);
  const std::vector<BlockRef> blocks = FillUp(*arena, kMiB, 1);

  PopulateAll(populator);

  EXPECT_GE(arena->FreeBytesFor(kMiB), kStock);
  EXPECT_EQ(arena->stats().classes, 1);
}

TEST(ArenaPopulator, AllOfTheBudgetIsStillThereForAnotherSize) {
  auto arena = *DramArena::Create({.budget_bytes = 64 * kMiB, .max_classes = 8, .keep_all = true});
  ArenaPopulator populator({.stock_bytes = 64 * kMiB}, arena.get());
  arena->Expect(kBlock);
  PopulateAll(populator);
  // Two slabs are left for others.
  EXPECT_GE(ResidentFileBytes(*arena), 62 * kMiB);

  EXPECT_EQ(FillUp(*arena, kMiB).size(), 64u);

  EXPECT_LE(ResidentFileBytes(*arena), 64 * kMiB);
}

TEST(ArenaPopulator, ASlotThatIsBeingPopulatedIsFreeAndTheLastFreeOneIsLeftAlone) {
  const auto arena = MakeArena(kBudget);
  arena->Expect(4 * kMiB);

  DramArena::Populating first = arena->TakeToPopulate(kStock);

  ASSERT_TRUE(first);
  EXPECT_EQ(arena->stats().allocated_bytes, 0u);
  EXPECT_EQ(arena->stats().allocated_blocks, 0u);
  EXPECT_FALSE(arena->TakeToPopulate(kStock)) << "one at a time";
  EXPECT_EQ(first.Step(kMiB), kMiB);
  first = DramArena::Populating();  // given up in the middle
  EXPECT_EQ(arena->FreeBytesFor(4 * kMiB), kBudget);
  std::vector<BlockRef> blocks = FillUp(*arena, 4 * kMiB);
  EXPECT_EQ(blocks.size(), kBudget / (4 * kMiB));
  EXPECT_FALSE(arena->TakeToPopulate(kStock)) << "nothing is free";
}

TEST(ArenaPopulator, BlocksThatComeAndGoMeanwhileKeepTheirBytes) {
  const auto arena = MakeArena(32 * kMiB);
  ArenaPopulator populator({.stock_bytes = 2 * kMiB, .bytes_per_s = kGiB}, arena.get());
  const auto size_of = [](uint64_t turn) { return turn % 500 < 250 ? kBlock : 256 * kKiB; };
  ComeAndGo(*arena, {.turns = 3000, .seed = 11, .one_in = 3, .size_of = size_of},
            [&] { populator.Step(); });

  EXPECT_LE(ResidentFileBytes(*arena), 32 * kMiB);
}

}  // namespace
}  // namespace halflife
