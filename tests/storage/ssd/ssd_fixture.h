#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/rocks_ssd_tier.h"
#include "storage/tiers/ssd_seams.h"
#include "tests/fakes/manual_clock.h"

namespace halflife {

// A directory of its own, removed at the end.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// What a test knows of block number `seed` of `bytes` bytes: everything follows from the two.
struct TestBlock {
  uint64_t seed = 0;
  uint32_t bytes = 0;

  BlockIdentity identity() const;
  BlockKey key() const;
  std::string payload() const;
  PersistedState state() const;
};

// The namespace all test blocks are in.
NamespaceId TestNamespace();

// HALFLIFE_TEST_SSD_IO=threads in the environment: every test runs without io_uring.
bool TestsRunWithoutIoUring();

// A tier in a temporary directory together with what has been written to it.
class TierUnderTest {
 public:
  explicit TierUnderTest(std::string directory, uint64_t quota_bytes = uint64_t{128} << 20);

  RocksSsdTier::Options options;
  SsdSeams seams;
  ManualClock clock;

  absl::Status Open();  // the tier; forgets locations
  void Close();
  // Close, Open and Recover; `locations` then holds what was found.
  void Reopen();
  RocksSsdTier& tier() { return *tier_; }
  DramArena& arena() { return *arena_; }

  absl::StatusOr<SsdLocation> Write(const TestBlock& block);
  // As one batch of the tier; fewer results if DRAM has no room.
  std::vector<absl::StatusOr<SsdLocation>> WriteBatch(const std::vector<TestBlock>& blocks);
  std::vector<absl::StatusOr<BlockRef>> ReadBatch(const std::vector<TestBlock>& blocks);
  // Writes and remembers the location; the test fails if it cannot.
  void MustWrite(const TestBlock& block);
  absl::StatusOr<BlockRef> Read(const TestBlock& block);
  absl::StatusOr<BlockRef> Read(const TestBlock& block, const SsdLocation& location);
  void Erase(const TestBlock& block);
  // Moves it, erases it where it was, and remembers the new location.
  absl::Status Move(const TestBlock& block);
  // Steps until nothing is left to do, bounded.
  void Settle();

  // Reads every block of `blocks` that has a location. Fails the test on a wrong byte. Returns how
  // many came back.
  size_t ReadAll(const std::vector<TestBlock>& blocks);

  std::map<std::string, SsdLocation> locations;  // by key
  std::optional<SsdLocation> LocationOf(const TestBlock& block) const;

 private:
  absl::StatusOr<SsdWrite> WriteOf(const TestBlock& block);

  std::unique_ptr<DramArena> arena_;
  std::unique_ptr<RocksSsdTier> tier_;
};

// Bytes on the file system below `path`.
uint64_t UsedBytes(const std::string& path);
// Regular files below `path`, sorted.
std::vector<std::string> FilesUnder(const std::string& path);
// XORs one bit; false if the file is empty.
bool FlipBit(const std::string& path, uint64_t random);

std::vector<TestBlock> Blocks(uint64_t first_seed, size_t count, uint32_t bytes);

// A small repeatable stream of numbers (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Next();
  uint64_t Below(uint64_t limit) { return Next() % limit; }

 private:
  uint64_t state_;
};

class SsdTest : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  TierUnderTest ssd_{directory_.path() + "/ssd"};
};

}  // namespace halflife
