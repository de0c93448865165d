#include <atomic>
#include <random>
#include <thread>

#include "common/executor.h"
#include "common/mutex.h"
#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

constexpr int kThreads = 4;
constexpr int kStepsPerThread = 3000;

// Blocks that threads pass to each other, so that the last reference often goes on another thread
// than the first.
class SharedShelf {
 public:
  BlockRef Swap(size_t place, BlockRef block) {
    MutexLock lock(mutex_);
    std::swap(places_[place % places_.size()], block);
    return block;
  }

  BlockRef Copy(size_t place) {
    MutexLock lock(mutex_);
    return places_[place % places_.size()];
  }

 private:
  Mutex mutex_;
  std::vector<BlockRef> places_ ABSL_GUARDED_BY(mutex_) = std::vector<BlockRef>(48);
};

struct Traffic {
  explicit Traffic(DramArena* borrowed) : arena(borrowed) {}

  DramArena* const arena;
  SharedShelf shelf;
  std::atomic<int> wrong{0};
  std::atomic<int> stored{0};
};

void RunTraffic(Traffic& traffic, uint64_t seed) {
  std::mt19937_64 random(seed);
  const size_t sizes[] = {4 * kKiB, 5000, 64 * kKiB, 100000, 512 * kKiB, kMiB};
  for (int step = 0; step < kStepsPerThread; ++step) {
    const uint64_t choice = random() % 10;
    if (choice < 5) {
      auto buffer = traffic.arena->Allocate(sizes[random() % 6]);
      if (!buffer.ok()) {
        traffic.shelf.Swap(random(), BlockRef());
        continue;
      }
      const uint32_t pattern = static_cast<uint32_t>(random());
      Fill(buffer->bytes(), pattern);
      if (random() % 8 == 0) continue;  // dropped unsealed
      traffic.shelf.Swap(random(), SealAs(*std::move(buffer), pattern));
      traffic.stored.fetch_add(1);
    } else if (choice < 9) {
      const BlockRef block = traffic.shelf.Copy(random());
      if (block && !Holds(block.payload(), block.header().depth)) traffic.wrong.fetch_add(1);
    } else {
      const DramArena::SlabPressure slab = traffic.arena->MostWastefulSlab(sizes[random() % 6]);
      traffic.arena->RetireSlab(slab);
      const DramArena::Reserve reserves[] = {{sizes[random() % 6], random() % kMiB},
                                             {sizes[random() % 6], random() % kMiB}};
      traffic.arena->SetReserves(reserves);
      const DramArena::Stats stats = traffic.arena->stats();
      if (stats.slab_bytes > stats.budget_bytes) traffic.wrong.fetch_add(1);
    }
  }
}

TEST(DramArenaStress, FourThreadsNeverSeeEachOthersBytes) {
  // Room for about half of what the shelf could hold: refusals, moves between classes and hole
  // punching all happen.
  const auto arena = MakeArena(8 * kMiB, 5);
  {
    Traffic traffic(arena.get());
    ThreadPool threads({.name = "arena-stress", .threads = kThreads});
    for (int thread = 0; thread < kThreads; ++thread) {
      ASSERT_TRUE(threads.Submit([&traffic, thread] { RunTraffic(traffic, 1000 + thread); }));
    }
    threads.Drain();

    EXPECT_EQ(traffic.wrong.load(), 0);
    EXPECT_GT(traffic.stored.load(), kStepsPerThread / 4);
  }

  const DramArena::Stats stats = arena->stats();
  EXPECT_EQ(stats.allocated_blocks, 0u);
  EXPECT_EQ(stats.allocated_bytes, 0u);
  EXPECT_EQ(stats.stuck_bytes, 0u);
  EXPECT_GT(stats.refused, 0u);
  arena->SetReserves({});
  // Nothing leaked: one size can have everything again.
  EXPECT_EQ(FillUp(*arena, kMiB).size(), 8u);
}

TEST(DramArenaStress, AReaderIsDoneBeforeItsBytesAreReused) {
  // No lock orders the two threads, only the reference count: ThreadSanitizer checks that it does.
  const auto arena = MakeArena(4 * kKiB, 1);
  ThreadPool threads({.name = "arena-reader", .threads = 1});
  for (uint32_t round = 1; round <= 200; ++round) {
    BlockBuffer buffer = *arena->Allocate(4 * kKiB);
    Fill(buffer.bytes(), round);
    BlockRef block = SealAs(std::move(buffer), round);
    std::atomic<int> wrong{0};

    void* const leaked = BlockRef(block).Leak();
    ASSERT_TRUE(threads.Submit([leaked, round, &wrong] {
      const BlockRef mine = BlockRef::Adopt(leaked);
      if (!Holds(mine.payload(), round)) wrong.store(1, std::memory_order_relaxed);
    }));
    while (!block.unique()) std::this_thread::yield();

    block = BlockRef();
    EXPECT_EQ(wrong.load(std::memory_order_relaxed), 0);
  }
}

}  // namespace
}  // namespace halflife
