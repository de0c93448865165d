// Memory that stays with a block size because it is in use.

#include <algorithm>

#include "tests/storage/arena/arena_fixture.h"

namespace halflife {
namespace {

constexpr size_t kSmall = 64 * kKiB;
constexpr size_t kLarge = 256 * kKiB;
constexpr uint64_t kBudget = 64 * kMiB;  // slabs of 1 MiB

class DramReserves : public ::testing::Test {
 protected:
  // So many slabs of small blocks, the rest large ones; nothing is left.
  void Share(size_t small_slabs) {
    small_ = FillUp(*arena_, kSmall, small_slabs * kMiB / kSmall);
    large_ = FillUp(*arena_, kLarge);
    ASSERT_EQ(arena_->stats().slab_bytes, kBudget);
    ASSERT_EQ(arena_->stats().allocated_bytes, kBudget);
  }
  void Keep(uint64_t small_bytes, uint64_t large_bytes) {
    const DramArena::Reserve reserves[] = {{kSmall, small_bytes}, {kLarge, large_bytes}};
    arena_->SetReserves(reserves);
  }

  // A slab that runs empty stays with its size until it is taken.
  const std::unique_ptr<DramArena> arena_ =
      *DramArena::Create({.budget_bytes = kBudget, .max_classes = 8, .keep_all = true});
  std::vector<BlockRef> small_;
  std::vector<BlockRef> large_;
};

TEST_F(DramReserves, AnEmptySlabStaysWithTheSizeThatNeedsIt) {
  Share(2);
  Keep(kMiB, 0);
  small_.resize(16);  // one of its two slabs is empty

  EXPECT_EQ(arena_->FreeBytesFor(kLarge), 0u);
  EXPECT_FALSE(arena_->Allocate(kLarge).ok());
  EXPECT_EQ(arena_->FreeBytesFor(kSmall), kMiB);
  EXPECT_EQ(FillUp(*arena_, kSmall).size(), 16u);
}

TEST_F(DramReserves, WhatIsFreeBeyondAReserveIsForEverybodySlabBySlab) {
  Share(4);
  Keep(kMiB + kSmall, 0);
  small_.resize(16);  // three of its slabs are empty, and the reserve takes more than one

  EXPECT_EQ(arena_->FreeBytesFor(kLarge), kMiB);
  const std::vector<BlockRef> more = FillUp(*arena_, kLarge);
  EXPECT_EQ(more.size(), kMiB / kLarge);
  EXPECT_EQ(arena_->FreeBytesFor(kSmall), 2 * kMiB);
}

TEST_F(DramReserves, ASlabIsEmptiedForOthersOnlyWhereTheReserveStays) {
  Share(2);
  Keep(4 * kSmall, 0);
  for (size_t at = 0; at < small_.size(); at += 2) small_[at] = BlockRef();
  std::erase_if(small_, [](const BlockRef& block) { return !block; });
  EXPECT_EQ(arena_->MostWastefulSlab(kLarge).class_index, -1) << "half of two slabs is one slab";

  for (int i = 0; i < 4; ++i) small_.pop_back();

  const DramArena::SlabPressure slab = arena_->MostWastefulSlab(kLarge);
  EXPECT_EQ(slab.block_bytes, kSmall);
  EXPECT_EQ(slab.free_bytes, kMiB + 4 * kSmall);
}

TEST_F(DramReserves, TheSlabThatIsEmptiedIsOfTheSizeWithMostToSpare) {
  Share(4);
  Keep(0, 3 * kMiB);
  small_.resize(small_.size() - 32);                   // 2 MiB to spare
  large_.resize(large_.size() - 4 * (kMiB / kLarge));  // 4 MiB, of which 1 MiB is to spare

  EXPECT_EQ(arena_->MostWastefulSlab(kMiB).block_bytes, kSmall);
}

TEST_F(DramReserves, WhatAReserveLacksIsLeftOfTheBudget) {
  small_ = FillUp(*arena_, kSmall, 16);
  large_ = FillUp(*arena_, kLarge, 61 * kMiB / kLarge);  // 2 MiB are left
  Keep(kMiB, 0);

  EXPECT_EQ(arena_->FreeBytesFor(kLarge), kMiB);
  const std::vector<BlockRef> more_large = FillUp(*arena_, kLarge);
  const std::vector<BlockRef> more_small = FillUp(*arena_, kSmall);
  EXPECT_EQ(more_large.size(), kMiB / kLarge);
  EXPECT_EQ(more_small.size(), kMiB / kSmall);
  EXPECT_EQ(arena_->stats().slab_bytes, kBudget);
}

TEST_F(DramReserves, ASizeWithoutAnyMemoryGetsItsFirstSlab) {
  Share(2);
  Keep(2 * kMiB, 0);
  small_.resize(16);

  EXPECT_GE(arena_->FreeBytesFor(kMiB), kMiB);
  EXPECT_EQ(FillUp(*arena_, 512 * kKiB).size(), 2u) << "a slab of it, and no more";
}

TEST_F(DramReserves, SizesThatShareAClassShareItsReserve) {
  Share(2);
  const DramArena::Reserve reserves[] = {{kSmall, 4 * kSmall}, {kSmall - 100, 2 * kSmall}};
  arena_->SetReserves(reserves);
  for (size_t at = 0; at < 20; ++at) small_.pop_back();

  EXPECT_EQ(arena_->FreeBytesFor(kLarge), kMiB);
  const std::vector<BlockRef> one_more = FillUp(*arena_, kSmall, 1);
  EXPECT_EQ(arena_->FreeBytesFor(kLarge), 0u);
}

TEST_F(DramReserves, ReservesReplaceThoseBefore) {
  Share(2);
  Keep(kMiB, 0);
  small_.resize(16);
  ASSERT_FALSE(arena_->Allocate(kLarge).ok());

  arena_->SetReserves({});

  EXPECT_EQ(FillUp(*arena_, kLarge).size(), kMiB / kLarge);
}

}  // namespace
}  // namespace halflife
