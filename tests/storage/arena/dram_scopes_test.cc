#include "storage/tiers/dram_scopes.h"

#include <map>
#include <random>
#include <utility>

#include "gtest/gtest.h"
#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

BlockScope Scope(uint32_t n) {
  BlockScope scope;
  scope.ns.bytes.fill(static_cast<uint8_t>(n % 7));
  scope.group = n / 3;
  scope.part = static_cast<uint16_t>(n);
  return scope;
}

TEST(BlockScopes, GiveOneNumberToAllUsersOfAScope) {
  BlockScopes scopes;
  const uint32_t number = scopes.Acquire(Scope(1));

  EXPECT_NE(number, 0u);
  EXPECT_EQ(scopes.Acquire(Scope(1)), number);
  EXPECT_NE(scopes.Acquire(Scope(2)), number);
  EXPECT_EQ(scopes.size(), 2u);
}

TEST(BlockScopes, KeepANumberUntilItsLastUserIsGone) {
  BlockScopes scopes;
  const uint32_t number = scopes.Acquire(Scope(1));
  scopes.Acquire(Scope(1));

  scopes.Release(number);
  EXPECT_EQ(scopes[number], Scope(1));
  scopes.Release(number);

  EXPECT_EQ(scopes.size(), 0u);
  EXPECT_EQ(scopes.Acquire(Scope(3)), number);
  EXPECT_EQ(scopes[number], Scope(3));
}

TEST(BlockScopes, AgreeWithAMapUnderRandomUsers) {
  BlockScopes scopes;
  std::mt19937 random(1);
  std::vector<std::pair<uint32_t, uint32_t>> users;  // scope, number
  std::map<uint32_t, int> used;

  for (int step = 0; step < 20000; ++step) {
    if (users.empty() || random() % 5 < (step < 10000 ? 3 : 2)) {
      const uint32_t n = random() % 1000;
      users.emplace_back(n, scopes.Acquire(Scope(n)));
      ++used[n];
    } else {
      std::swap(users[random() % users.size()], users.back());
      const auto [n, number] = users.back();
      users.pop_back();
      ASSERT_EQ(scopes[number], Scope(n));
      scopes.Release(number);
      if (--used[n] == 0) used.erase(n);
    }
    ASSERT_EQ(scopes.size(), used.size());
  }

  for (const auto& [n, number] : users) EXPECT_EQ(scopes[number], Scope(n));
}

TEST(DramArena, BlocksOfManyScopesSayWhatTheyWereSealedWith) {
  const auto arena = MakeArena(kMiB);
  std::vector<std::pair<BlockHeader, BlockRef>> blocks;
  for (uint32_t n = 0; n < 200; ++n) {
    BlockHeader header;
    header.identity = Scope(n).With(BlockHash{Sha256Of(std::to_string(n))});
    header.payload_bytes = 1 + n * 20;
    header.checksum.fill(static_cast<uint8_t>(n));
    header.depth = n;
    blocks.emplace_back(header, (*arena->Allocate(header.payload_bytes)).Seal(header));
    if (n % 3 == 0) blocks.erase(blocks.begin() + n / 6);
  }

  for (const auto& [header, block] : blocks) {
    EXPECT_EQ(block.header(), header);
    EXPECT_TRUE(block.Is(header.identity));
    EXPECT_EQ(block.payload().size(), header.payload_bytes);
    BlockIdentity other = header.identity;
    ++other.part;
    EXPECT_FALSE(block.Is(other));
  }
}

}  // namespace
}  // namespace halflife
