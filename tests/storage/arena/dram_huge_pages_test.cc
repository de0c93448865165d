#include <atomic>
#include <fstream>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "storage/tiers/dram_memory.h"
#include "storage/tiers/dram_populator.h"
#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

// Slabs of 4 MiB.
constexpr uint64_t kBudget = 256 * kMiB;
constexpr uint64_t kSlab = 4 * kMiB;
constexpr size_t kBlock = 64 * kKiB;
constexpr size_t kSlabBlocks = kSlab / kBlock;

bool KernelGathers() {
  const auto memory = SparseMemory::Create(kSlab, true);
  EXPECT_TRUE(memory.ok()) << memory.status();
  std::memset((*memory)->base(), 1, kSlab);
  (*memory)->AdviseHugePages({0, kSlab});
  return (*memory)->GatherPages({0, kSlab});
}

// Of the arena's mapping in this process.
uint64_t HugeBytes() {
  std::ifstream smaps("/proc/self/smaps");
  uint64_t kib = 0;
  bool of_arena = false;
  for (std::string line; std::getline(smaps, line);) {
    if (absl::StrContains(line, "-") && absl::StrContains(line, " /")) {
      of_arena = absl::StrContains(line, "halflife-arena");
    }
    if (!of_arena || !absl::StartsWith(line, "ShmemPmdMapped:")) continue;
    const std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipEmpty());
    uint64_t part = 0;
    EXPECT_TRUE(absl::SimpleAtoi(words.at(1), &part)) << line;
    kib += part;
  }
  return kib * kKiB;
}

BlockRef MustPut(DramArena& arena, uint64_t seed) {
  auto buffer = arena.Allocate(kBlock);
  EXPECT_TRUE(buffer.ok()) << buffer.status();
  Fill(buffer->bytes(), seed);
  return SealAs(*std::move(buffer), 0);
}

std::vector<BlockRef> PutMany(DramArena& arena, size_t count) {
  std::vector<BlockRef> blocks;
  for (size_t i = 0; i < count; ++i) blocks.push_back(MustPut(arena, i));
  return blocks;
}

uint64_t GatherAll(DramArena& arena) {
  uint64_t all = 0;
  while (const uint64_t bytes = arena.GatherPages()) all += bytes;
  return all;
}

TEST(HugePages, SlabsInUseMoveIntoThemAndBlocksKeepTheirBytes) {
  if (!KernelGathers()) GTEST_SKIP() << "the kernel moves no pages of shared memory";
  const auto arena = MakeArena(kBudget);
  const std::vector<BlockRef> blocks = PutMany(*arena, 2 * kSlabBlocks);

  EXPECT_EQ(GatherAll(*arena), 2 * kSlab);

  EXPECT_EQ(HugeBytes(), 2 * kSlab);
  EXPECT_EQ(ResidentFileBytes(*arena), 2 * kSlab);
  for (size_t i = 0; i < blocks.size(); ++i) ASSERT_TRUE(Holds(blocks[i].payload(), i));
}

TEST(HugePages, EachSlabHasOneTry) {
  const auto arena = MakeArena(kBudget);
  const std::vector<BlockRef> blocks = PutMany(*arena, kSlabBlocks);
  GatherAll(*arena);

  EXPECT_EQ(arena->GatherPages(), 0u);
}

// Its pages would come into being with the others.
TEST(HugePages, ASlabOfWhichNotAllHasBeenUsedStaysAsItIs) {
  const auto arena = MakeArena(kBudget);
  const std::vector<BlockRef> blocks = PutMany(*arena, kSlabBlocks - 1);
  const uint64_t resident_bytes = ResidentFileBytes(*arena);

  EXPECT_EQ(arena->GatherPages(), 0u);

  EXPECT_EQ(ResidentFileBytes(*arena), resident_bytes);
}

TEST(HugePages, SwitchedOffNothingMoves) {
  const auto arena =
      *DramArena::Create({.budget_bytes = kBudget, .huge_pages = false, .max_classes = 8});
  const std::vector<BlockRef> blocks = PutMany(*arena, kSlabBlocks);

  EXPECT_EQ(arena->GatherPages(), 0u);

  EXPECT_EQ(HugeBytes(), 0u);
}

TEST(HugePages, ThePopulatorMovesThemInTheEnd) {
  if (!KernelGathers()) GTEST_SKIP() << "the kernel moves no pages of shared memory";
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = 0}, arena.get());
  const std::vector<BlockRef> blocks = PutMany(*arena, 2 * kSlabBlocks);

  EXPECT_EQ(populator.Step(), 0u);
  EXPECT_EQ(populator.gathered_bytes(), kSlab);
  EXPECT_EQ(populator.Step(), 0u);
  EXPECT_EQ(populator.gathered_bytes(), kSlab) << "at a bounded rate";
  for (int step = 0; step < 100; ++step) populator.Step();

  EXPECT_EQ(populator.gathered_bytes(), 2 * kSlab);
  EXPECT_EQ(HugeBytes(), 2 * kSlab);
}

TEST(HugePages, ThePopulatorLeavesThemAloneWhereNobodyGains) {
  const auto arena = MakeArena(kBudget);
  ArenaPopulator populator({.stock_bytes = 0, .gather_pages = false}, arena.get());
  const std::vector<BlockRef> blocks = PutMany(*arena, kSlabBlocks);

  for (int step = 0; step < 100; ++step) populator.Step();

  EXPECT_EQ(populator.gathered_bytes(), 0u);
  EXPECT_EQ(HugeBytes(), 0u);
}

TEST(HugePages, NoSlabThatIsGivenBackLeavesPagesBehind) {
  const auto arena = MakeArena(64 * kSlab);
  std::atomic<bool> done{false};
  std::thread background([&] {
    while (!done) arena->GatherPages();
  });

  // Two sizes in turn, each taking all: slabs are given back and opened anew the whole time.
  for (uint64_t turn = 0; turn < 12; ++turn) {
    const size_t bytes = turn % 2 == 0 ? kBlock : 256 * kKiB;
    std::vector<BlockRef> blocks;
    for (uint64_t seed = 0; seed < 48 * kSlab / bytes; ++seed) {
      auto buffer = arena->Allocate(bytes);
      if (!buffer.ok()) continue;  // its room is still on its way back
      Fill(buffer->bytes().subspan(0, 512), turn + seed);
      blocks.push_back(SealAs(*std::move(buffer), static_cast<uint32_t>(turn + seed)));
    }
    for (const BlockRef& block : blocks) {
      ASSERT_TRUE(Holds(block.payload().subspan(0, 512), block.header().depth));
    }
  }
  done = true;
  background.join();

  EXPECT_LE(ResidentFileBytes(*arena), arena->stats().slab_bytes);
}

// While their bytes are read and written.
TEST(HugePages, BlocksThatComeAndGoMeanwhileKeepTheirBytes) {
  const auto arena = MakeArena(kBudget);

  ComeAndGo(*arena,
            {.turns = 4000, .seed = 5, .one_in = 4, .size_of = [](uint64_t) { return kBlock; }},
            [&] { arena->GatherPages(); });
}

}  // namespace
}  // namespace halflife
