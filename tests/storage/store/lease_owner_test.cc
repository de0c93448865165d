#include <gtest/gtest.h>

#include "storage/lease_table.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {
namespace {

constexpr uint64_t kBlockBytes = 64 << 10;

class LeaseOwner : public testing::Test {
 protected:
  BlockStore::LeasedBlocks Blocks(int count) {
    BlockStore::LeasedBlocks leased;
    for (int i = 0; i < count; ++i) {
      BlockBuffer buffer = *(*arena_)->Allocate(kBlockBytes);
      BlockHeader header;
      header.payload_bytes = kBlockBytes;
      leased.blocks.push_back(std::move(buffer).Seal(header));
    }
    return leased;
  }

  absl::StatusOr<std::unique_ptr<DramArena>> arena_ =
      DramArena::Create({.budget_bytes = 64 << 20, .huge_pages = false});
  LeaseTable leases_{{.max_bytes = 10 * kBlockBytes}};
};

TEST_F(LeaseOwner, MayHoldHalfOfWhatAllMay) {
  EXPECT_TRUE(leases_.Add(Blocks(5), 100, 1).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(leases_.Add(Blocks(1), 100, 1).status()));
  EXPECT_TRUE(leases_.Add(Blocks(5), 100, 2).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(leases_.Add(Blocks(1), 100).status()));
}

TEST_F(LeaseOwner, GivesBackOnlyItsOwn) {
  const LeaseId mine = *leases_.Add(Blocks(2), 100, 1);
  const LeaseId other = *leases_.Add(Blocks(2), 100, 2);
  const LeaseId nobodys = *leases_.Add(Blocks(2), 100);

  leases_.ReleaseAllOf(1);

  EXPECT_FALSE(leases_.Find(mine, 0).ok());
  EXPECT_TRUE(leases_.Find(other, 0).ok());
  EXPECT_TRUE(leases_.Find(nobodys, 0).ok());
  EXPECT_EQ(leases_.stats().bytes, 4 * kBlockBytes);
  EXPECT_EQ((*arena_)->stats().allocated_blocks, 4u);
}

TEST_F(LeaseOwner, HasRoomAgainAfterReleaseAndAfterExpiry) {
  const LeaseId first = *leases_.Add(Blocks(5), 100, 1);
  ASSERT_TRUE(leases_.Release(first, 0).ok());
  ASSERT_TRUE(leases_.Add(Blocks(5), 100, 1).ok());
  EXPECT_FALSE(leases_.Add(Blocks(1), 100, 1).ok());

  leases_.ExpireSome(101, 10);

  EXPECT_TRUE(leases_.Add(Blocks(5), 200, 1).ok());
}

}  // namespace
}  // namespace halflife
