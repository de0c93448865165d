// Room: the quota holds whatever is written and erased, and what is erased really comes back.
#include <algorithm>
#include <iostream>
#include <thread>

#include "storage/tiers/rocks_options.h"
#include "tests/storage/ssd/ssd_fixture.h"

namespace halflife {
namespace {

constexpr uint32_t kKiB = 1024;

class SsdQuotaTest : public SsdTest {
 protected:
  uint64_t Used() const { return UsedBytes(ssd_.options.directory); }

  // Writes block after block until one is refused. Returns those that were stored.
  std::vector<TestBlock> Fill(uint64_t first_seed, uint32_t bytes) {
    std::vector<TestBlock> stored;
    for (uint64_t seed = first_seed;; ++seed) {
      const TestBlock block{seed, bytes};
      const absl::StatusOr<SsdLocation> location = WriteOnceUnstalled(block);
      if (absl::IsResourceExhausted(location.status())) return stored;
      EXPECT_TRUE(location.ok()) << location.status();
      if (!location.ok()) return stored;
      stored.push_back(block);
    }
  }

  // RocksDB answers "not now" while a flush or a compaction is behind; its threads are real, so ask
  // again.
  absl::StatusOr<SsdLocation> WriteOnceUnstalled(const TestBlock& block) {
    absl::StatusOr<SsdLocation> location = ssd_.Write(block);
    for (int i = 0; i < 1'000'000 && absl::IsUnavailable(location.status()); ++i) {
      std::this_thread::yield();
      if (i % 1000 == 999) {
        ssd_.clock.Advance(absl::Seconds(1));
        ssd_.tier().Step();
      }
      location = ssd_.Write(block);
    }
    return location;
  }

  // Erases blocks in random order and writes new ones, `rounds` times the capacity.
  void Overwrite(std::vector<TestBlock> live, int rounds, uint64_t next_seed) {
    Random random(4711);
    const uint32_t bytes = live[0].bytes;
    uint64_t peak = 0;
    for (int round = 0; round < rounds; ++round) {
      size_t refused = 0;
      const size_t count = live.size();
      for (size_t i = 0; i < count; ++i) {
        std::swap(live[random.Below(live.size())], live.back());
        ssd_.Erase(live.back());
        live.pop_back();
        const TestBlock block{next_seed++, bytes};
        if (WriteOnceUnstalled(block).ok()) {
          live.push_back(block);
        } else {
          ++refused;
        }
        if (i % 64 == 0) ssd_.Settle();
        if (i % 64 == 0) peak = std::max(peak, Used());
      }
      ssd_.Settle();
      EXPECT_LE(Used(), ssd_.options.quota_bytes) << "round " << round;
      EXPECT_GE(live.size() * 10, count * 8) << "refused " << refused << " in round " << round;
    }
    EXPECT_LE(peak, ssd_.options.quota_bytes);
    EXPECT_EQ(ssd_.ReadAll(live), live.size());
    std::cout << "live payload " << live.size() * bytes << " peak use " << peak << " of "
              << ssd_.options.quota_bytes << "\n";
  }
};

TEST_F(SsdQuotaTest, AFullQuotaIsNoRoomUntilSomethingIsErased) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> stored = Fill(1, 1024 * kKiB);
  EXPECT_GE(stored.size() * 1024 * kKiB, ssd_.options.quota_bytes / 2)
      << "most of the quota is payload";
  EXPECT_EQ(ssd_.tier().FreeBytesFor(1024 * kKiB), 0u);

  ssd_.Erase(stored[3]);

  EXPECT_EQ(ssd_.tier().FreeBytesFor(1024 * kKiB), uint64_t{1024} * kKiB);
  ssd_.MustWrite({1'000'000, 1024 * kKiB});
  EXPECT_LE(Used(), ssd_.options.quota_bytes);
}

TEST_F(SsdQuotaTest, FreeBytesForIsWhatWriteTakes) {
  for (const uint32_t bytes : {8 * kKiB, 64 * kKiB, 300'000u, 4096 * kKiB}) {
    ssd_.options.directory = directory_.path() + "/" + std::to_string(bytes);
    ASSERT_TRUE(ssd_.Open().ok());
    const uint64_t promised = ssd_.tier().FreeBytesFor(bytes);

    const uint64_t taken = Fill(1, bytes).size() * uint64_t{bytes};

    if (bytes > 16 * kKiB) {
      EXPECT_EQ(taken, promised) << bytes;
    } else {
      EXPECT_GE(taken * 10, promised * 9) << "inline room depends on when RocksDB compacts";
    }
    ssd_.Close();
  }
}

TEST_F(SsdQuotaTest, TheQuotaHoldsOverThreeOverwritesOfSlots) {
  ASSERT_TRUE(ssd_.Open().ok());
  Overwrite(Fill(1, 64 * kKiB), 3, 1'000'000);
}

TEST_F(SsdQuotaTest, TheQuotaHoldsOverThreeOverwritesOfInlineBlocks) {
  ssd_.options.quota_bytes = uint64_t{28} << 20;
  ssd_.options.inline_payload_max_bytes = 16 * kKiB;
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> stored = Fill(1, 12 * kKiB);
  // What was erased takes room until it is compacted: a caller that keeps a tenth free is not
  // refused.
  for (size_t i = stored.size() / 10; i > 0; --i) {
    ssd_.Erase(stored.back());
    stored.pop_back();
  }
  Overwrite(stored, 3, 1'000'000);
}

TEST_F(SsdQuotaTest, ErasedInlineBlocksReturnTheirRoom) {
  ssd_.options.inline_payload_max_bytes = 16 * kKiB;
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> stored = Fill(1, 12 * kKiB);
  const uint64_t full = Used();

  for (const TestBlock& block : stored) ssd_.Erase(block);
  // RocksDB compacts on threads of its own: rounds until it has, and not so many rounds.
  for (int i = 0; i < 2000 && Used() >= full / 2; ++i) {
    ssd_.clock.Advance(absl::Seconds(31));
    ssd_.Settle();
    for (const TestBlock& block : Blocks(2'000'000, 20, 12 * kKiB)) {
      WriteOnceUnstalled(block).status().IgnoreError();
      ssd_.Erase(block);
    }
  }

  EXPECT_LT(Used(), full / 2);
}

TEST_F(SsdQuotaTest, RoomMovesBetweenBlockSizesAndBack) {
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> live = Fill(1, 64 * kKiB);
  const uint64_t first_bytes = live.size() * 64 * kKiB;
  uint64_t seed = 1'000'000;
  for (const uint32_t bytes : {1024 * kKiB, 64 * kKiB}) {
    std::vector<TestBlock> next;
    size_t wanted_back = 0;
    Random random(bytes);
    // What a migrator does: make room until the write is taken, first where the tier asks for it.
    while (next.size() * bytes < first_bytes * 8 / 10) {
      const TestBlock block{seed++, bytes};
      while (absl::IsResourceExhausted(ssd_.Write(block).status())) {
        const std::vector<SsdLocation> wanted = ssd_.tier().WantedBack(16);
        for (const SsdLocation& location : wanted) {
          const auto victim = std::find_if(
              live.begin(), live.end(),
              [&](const TestBlock& candidate) { return ssd_.LocationOf(candidate) == location; });
          ASSERT_NE(victim, live.end());
          ssd_.Erase(*victim);
          live.erase(victim);
          ++wanted_back;
        }
        ssd_.Settle();
        if (!wanted.empty()) continue;
        ASSERT_FALSE(live.empty());
        std::swap(live[random.Below(live.size())], live.back());
        ssd_.Erase(live.back());
        live.pop_back();
      }
      next.push_back(block);
      ASSERT_LE(ssd_.tier().stats().used_bytes, ssd_.options.quota_bytes);
    }
    EXPECT_GT(wanted_back, 0u);
    EXPECT_LE(Used(), ssd_.options.quota_bytes);
    EXPECT_EQ(ssd_.ReadAll(next), next.size());
    for (const TestBlock& block : live) ssd_.Erase(block);
    live = next;
  }
}

TEST_F(SsdQuotaTest, BlocksThatAreWantedBackMoveAndNoneIsLost) {
  ASSERT_TRUE(ssd_.Open().ok());
  std::vector<TestBlock> live = Fill(1, 64 * kKiB);
  Random random(3);
  for (size_t left = live.size() * 6 / 10; live.size() > left; live.pop_back()) {
    std::swap(live[random.Below(live.size())], live.back());
    ssd_.Erase(live.back());
  }
  const TestBlock other_size{1'000'000, 1024 * kKiB};
  size_t moved = 0;

  while (absl::IsResourceExhausted(ssd_.Write(other_size).status())) {
    const std::vector<SsdLocation> wanted = ssd_.tier().WantedBack(16);
    ASSERT_FALSE(wanted.empty());
    for (const SsdLocation& location : wanted) {
      const auto block = std::find_if(live.begin(), live.end(), [&](const TestBlock& candidate) {
        return ssd_.LocationOf(candidate) == location;
      });
      ASSERT_NE(block, live.end());
      ASSERT_TRUE(ssd_.Move(*block).ok());
      ++moved;
    }
    ssd_.Settle();
  }

  EXPECT_GT(moved, 0u);
  EXPECT_EQ(ssd_.tier().stats().blocks_moved, moved);
  EXPECT_EQ(ssd_.tier().stats().blocks, live.size() + 1);
  EXPECT_EQ(ssd_.ReadAll(live), live.size());
  ssd_.Reopen();
  EXPECT_EQ(ssd_.locations.size(), live.size() + 1);
  EXPECT_EQ(ssd_.ReadAll(live), live.size());
}

TEST_F(SsdQuotaTest, EmptySlotFilesAreDeletedButForOne) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> stored = Fill(1, 64 * kKiB);
  for (const TestBlock& block : stored) ssd_.Erase(block);

  ssd_.Settle();

  EXPECT_EQ(FilesUnder(ssd_.options.directory + "/slots").size(), 1u);
}

TEST_F(SsdQuotaTest, ASmallerQuotaAtTheNextStartDropsFiles) {
  ASSERT_TRUE(ssd_.Open().ok());
  const std::vector<TestBlock> stored = Fill(1, 64 * kKiB);
  ssd_.options.quota_bytes /= 2;

  ssd_.Reopen();

  EXPECT_LE(Used(), ssd_.options.quota_bytes);
  EXPECT_GT(ssd_.locations.size(), stored.size() / 4);
  EXPECT_EQ(ssd_.ReadAll(stored), ssd_.locations.size());
}

TEST(RocksSizes, ALargeTierHasLargeBuffersAndTheyTakeLittleOfIt) {
  constexpr uint64_t kGiB = uint64_t{1} << 30;
  for (const uint64_t quota_bytes : {32 * kGiB, 1024 * kGiB}) {
    const RocksSizes sizes = RocksSizes::ForQuota(quota_bytes, 8);

    EXPECT_EQ(sizes.write_buffer_bytes, uint64_t{4} << 20);
    EXPECT_LT(8 * sizes.partition_fixed_bytes + sizes.shared_fixed_bytes, quota_bytes / 100);
  }
  EXPECT_LE(RocksSizes::ForQuota(8 * kGiB, 8).write_buffer_bytes, uint64_t{1} << 20);
}

}  // namespace
}  // namespace halflife
