// Memory between block sizes that are both in use.

#include <algorithm>

#include "gmock/gmock.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

using ::testing::Each;

constexpr uint64_t kSmall = 16 << 10;
constexpr uint64_t kLarge = 256 << 10;
constexpr uint64_t kBudget = uint64_t{64} << 20;  // slabs of 1 MiB
constexpr uint64_t kSlab = 1 << 20;

class RoomTest : public StoreTest {
 protected:
  // What the daemon keeps free without an SSD tier, and with one.
  struct Ahead {
    double s = 0.001;
    double ratio = 0.01;
  };
  static constexpr Ahead kWithSsd = {2, 0.04};

  void SetUp() override { OpenWith({}); }

  void OpenWith(const Ahead& ahead) {
    Setup setup;
    setup.dram_bytes = kBudget;
    setup.with_ssd = false;
    setup.options.free_ahead_s = ahead.s;
    setup.options.free_target_ratio = ahead.ratio;
    ahead_ = ahead;
    put_.clear();
    Open(setup);
    small_ = OpenNamespace("small", kSmall);
    large_ = OpenNamespace("large", kLarge);
  }

  // So many bytes in new chains of 16 blocks, then a step of the background.
  void Put(const NamespaceRef& ns, uint64_t bytes) {
    const uint64_t block_bytes = ns->descriptor.block_bytes;
    for (uint64_t left = bytes / block_bytes; left > 0;) {
      const auto blocks = static_cast<int>(std::min<uint64_t>(left, 16));
      left -= blocks;
      put_.push_back(Chain(absl::StrCat("c", put_.size()), blocks));
      EXPECT_THAT(PutChain(put_.back(), kChat, ns), Each(PutOutcome::kStored));
    }
    store_->Quiesce();
  }

  // So many bytes of each, again and again, until `bytes` are put.
  void TakeTurns(uint64_t small_bytes, uint64_t large_bytes, uint64_t bytes) {
    for (uint64_t done = 0; done < bytes; done += small_bytes + large_bytes) {
      Put(small_, small_bytes);
      Put(large_, large_bytes);
    }
  }

  // Slabs taken by any size while `work` is done.
  template <typename Work>
  uint64_t SlabsTaken(Work work) {
    const uint64_t before = arena_->stats().slabs_taken;
    work();
    return arena_->stats().slabs_taken - before;
  }

  // Of this size in DRAM.
  uint64_t BytesOf(const NamespaceRef& ns) const {
    uint64_t bytes = 0;
    for (const std::vector<BlockHash>& chain : put_) {
      for (const BlockHash& hash : chain) {
        if (store_->FindInDram(Address(hash, 0, ns))) bytes += ns->descriptor.block_bytes;
      }
    }
    return bytes;
  }

  Ahead ahead_;
  NamespaceRef small_;
  NamespaceRef large_;
  std::vector<std::vector<BlockHash>> put_;
};

// A slab that goes to and fro costs its pages anew each time, and the blocks in it a copy.
TEST_F(RoomTest, ASizeThatComesAfterAnotherTakesEachSlabOnce) {
  Put(small_, 2 * kBudget);

  const uint64_t taking = SlabsTaken([&] { Put(large_, 2 * kBudget); });
  const uint64_t afterwards = SlabsTaken([&] {
    for (int i = 0; i < 32; ++i) Put(large_, 4 * kSlab);
  });

  EXPECT_GE(BytesOf(large_), kBudget - 2 * kSlab);
  EXPECT_LE(taking, kBudget / kSlab + 4);
  EXPECT_LE(afterwards, 1u);
}

TEST_F(RoomTest, SizesThatTakeTurnsKeepTheirSlabs) {
  for (const uint64_t burst : {uint64_t{kLarge}, kSlab}) {
    for (const Ahead& ahead : {Ahead{}, kWithSsd}) {
      OpenWith(ahead);
      TakeTurns(burst, burst, 2 * kBudget);

      EXPECT_EQ(SlabsTaken([&] { TakeTurns(burst, burst, 4 * kBudget); }), 0u)
          << burst << " bytes at a time, " << ahead.s << " s ahead";
      EXPECT_GE(BytesOf(small_) + BytesOf(large_), kBudget - 2 * ahead.ratio * kBudget - 2 * kSlab);
    }
  }
}

// What the policy names when it is one size's turn is the other one's: so much has to change hands.
TEST_F(RoomTest, LongTurnsMoveLessThanTheyPut) {
  TakeTurns(4 * kSlab, 4 * kSlab, 2 * kBudget);

  const uint64_t taken = SlabsTaken([&] { TakeTurns(4 * kSlab, 4 * kSlab, 4 * kBudget); });

  EXPECT_LE(taken, 4 * kBudget / kSlab / 3);
}

TEST_F(RoomTest, SharesFollowTheDemand) {
  TakeTurns(7 * kSlab / 2, kSlab / 2, 4 * kBudget);
  ASSERT_GE(BytesOf(small_), kBudget * 3 / 4);

  const uint64_t taken = SlabsTaken([&] { TakeTurns(kSlab / 2, 7 * kSlab / 2, 4 * kBudget); });

  EXPECT_GE(BytesOf(large_), kBudget * 3 / 4);
  EXPECT_LE(taken, 2 * kBudget / kSlab);
}

TEST_F(RoomTest, ASizeThatNobodyUsesAnyMoreGivesEverything) {
  Put(small_, 2 * kBudget);
  clock_.Advance(absl::Seconds(10));

  Put(large_, 2 * kBudget);

  EXPECT_EQ(BytesOf(small_), 0u);
  EXPECT_GE(BytesOf(large_), kBudget - 2 * kSlab);
  EXPECT_LE(arena_->stats().slab_bytes, kBudget);
}

TEST_F(RoomTest, ANewSizeIsServedAtOnceWhereAnotherKeepsAnEmptySlab) {
  OpenWith(kWithSsd);
  Put(small_, kBudget);
  EXPECT_THAT(PutChain(Chain("one more", 16), kChat, small_), Each(PutOutcome::kStored));
  const auto evicted = [this] {
    return store_->stats().evicted_blocks[0][static_cast<int>(EvictReason::kCapacity)];
  };
  const uint64_t before = evicted();
  for (int i = 20; i < 24; ++i) store_->DeleteChain(Slice(put_[i], small_), {});  // a slab of them
  ASSERT_LT(arena_->FreeBytesFor(kSmall), kBudget * ahead_.ratio + kSlab);

  EXPECT_THAT(PutChain(Chain("first", 4), kChat, large_), Each(PutOutcome::kStored));

  EXPECT_EQ(evicted(), before) << "nobody had to wait for the background";
}

TEST_F(RoomTest, WhatIsKeptForOthersServesThoseWhoWouldWaitInVain) {
  const auto small = Chain("small", kSlab / kSmall);
  const auto large = Chain("large", (kBudget - kSlab) / kLarge);
  EXPECT_THAT(PutChain(small, kChat, small_), Each(PutOutcome::kStored));
  EXPECT_THAT(PutChain(large, kChat, large_), Each(PutOutcome::kStored));
  std::vector<BlockRef> held;
  for (const BlockHash& hash : large) held.push_back(store_->FindInDram(Address(hash, 0, large_)));
  store_->DeleteChain(Slice(small, small_), {});
  store_->Quiesce();
  ASSERT_FALSE(arena_->HasRoom(kLarge)) << "the only free slab is kept for small blocks";

  EXPECT_THAT(PutChain(Chain("more", 4), kChat, large_), Each(PutOutcome::kStored));

  EXPECT_EQ(arena_->stats().slab_bytes, kBudget);
}

}  // namespace
}  // namespace halflife
