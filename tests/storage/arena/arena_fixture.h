#pragma once

#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

inline constexpr uint64_t kKiB = 1024;
inline constexpr uint64_t kMiB = 1024 * kKiB;
inline constexpr uint64_t kGiB = 1024 * kMiB;

inline std::unique_ptr<DramArena> MakeArena(uint64_t budget_bytes, int max_classes = 8) {
  auto arena = DramArena::Create({.budget_bytes = budget_bytes, .max_classes = max_classes});
  EXPECT_TRUE(arena.ok()) << arena.status();
  return arena.ok() ? *std::move(arena) : nullptr;
}

// A pattern that differs between any two seeds within the first 8 bytes and repeats at no power of
// two.
inline void Fill(absl::Span<uint8_t> bytes, uint64_t seed) {
  uint64_t word = seed * 0x9e3779b97f4a7c15u + 1;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    word = word * 6364136223846793005u + 1442695040888963407u;
    std::memcpy(&bytes[at], &word, std::min<size_t>(8, bytes.size() - at));
  }
}

inline bool Holds(absl::Span<const uint8_t> bytes, uint64_t seed) {
  std::vector<uint8_t> expected(bytes.size());
  Fill(absl::MakeSpan(expected), seed);
  return std::memcmp(bytes.data(), expected.data(), bytes.size()) == 0;
}

inline BlockRef SealAs(BlockBuffer buffer, uint32_t depth) {
  BlockHeader header;
  header.payload_bytes = buffer.bytes().size();
  header.depth = depth;
  return std::move(buffer).Seal(header);
}

// Blocks of one size until the arena refuses, at most `limit`.
inline std::vector<BlockRef> FillUp(DramArena& arena, size_t payload_bytes,
                                    size_t limit = 1u << 20) {
  std::vector<BlockRef> blocks;
  while (blocks.size() < limit) {
    auto buffer = arena.Allocate(payload_bytes);
    if (!buffer.ok()) break;
    blocks.push_back(SealAs(*std::move(buffer), static_cast<uint32_t>(blocks.size())));
  }
  return blocks;
}

struct Traffic {
  uint64_t turns;
  uint64_t seed;
  uint64_t one_in;  // so many turns, a block goes
  std::function<size_t(uint64_t turn)> size_of;
};
// Blocks come and go, while another thread does `meanwhile` over and over: each has its bytes when
// it goes, and so have those that are left.
inline void ComeAndGo(DramArena& arena, const Traffic& traffic,
                      const std::function<void()>& meanwhile) {
  std::atomic<bool> done{false};
  std::thread background([&] {
    while (!done) meanwhile();
  });
  std::mt19937_64 random(traffic.seed);
  std::vector<std::pair<BlockRef, uint64_t>> blocks;
  for (uint64_t turn = 0; turn < traffic.turns; ++turn) {
    auto buffer = arena.Allocate(traffic.size_of(turn));
    if (buffer.ok()) {
      Fill(buffer->bytes(), turn);
      blocks.emplace_back(SealAs(*std::move(buffer), 0), turn);
    }
    if (!buffer.ok() || random() % traffic.one_in == 0) {
      const size_t victim = random() % blocks.size();
      EXPECT_TRUE(Holds(blocks[victim].first.payload(), blocks[victim].second));
      std::swap(blocks[victim], blocks.back());
      blocks.pop_back();
    }
  }
  done = true;
  background.join();
  for (const auto& [block, seed] : blocks) EXPECT_TRUE(Holds(block.payload(), seed));
}

// Memory the arena's file really has.
inline uint64_t ResidentFileBytes(const DramArena& arena) {
  struct stat status = {};
  EXPECT_EQ(fstat(arena.memfd(), &status), 0);
  return static_cast<uint64_t>(status.st_blocks) * 512;
}

}  // namespace halflife
