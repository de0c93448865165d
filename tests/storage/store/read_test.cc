#include <thread>

#include "gmock/gmock.h"
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

// Every block starts on SSD only.
class ReadTest : public StoreTest {
 protected:
  void PutOnSsd(const std::vector<BlockHash>& chain) {
    PutChain(chain);
    Restart(/*drain=*/true);
    ASSERT_EQ(Prefix(chain), chain.size());
    ASSERT_FALSE(InDram(chain[0]));
  }
};

TEST_F(ReadTest, LookupTellsRunsTiersAndBitmap) {
  const auto chain = Chain("a", 6);
  PutOnSsd(chain);
  for (int i = 0; i < 2; ++i) ExpectReadable(chain[i]);  // promoted
  auto asked = chain;
  asked[4] = Chain("elsewhere", 1)[0];

  const LookupResult found = Lookup(asked);

  EXPECT_EQ(found.prefix_blocks, 4u);
  ASSERT_EQ(found.runs.size(), 3u);
  EXPECT_EQ(found.runs[0].count, 2u);
  EXPECT_EQ(found.runs[0].tier, Tier::kDram);
  EXPECT_EQ(found.runs[1].first, 2u);
  EXPECT_EQ(found.runs[1].tier, Tier::kSsd);
  EXPECT_EQ(found.runs[2].first, 5u);
  EXPECT_EQ(found.bitmap, std::vector<uint8_t>{0b101111});
  EXPECT_EQ(found.miss_reason, MissReason::kNeverSeen);
}

TEST_F(ReadTest, LookupOfNothingIsEmptyAndFull) {
  const LookupResult found = Lookup({});

  EXPECT_EQ(found.prefix_blocks, 0u);
  EXPECT_EQ(found.miss_reason, MissReason::kNone);
}

TEST_F(ReadTest, LookupReadsNothingAndTouchesNothing) {
  const auto chain = Chain("a", 2);
  PutOnSsd(chain);

  Lookup(chain);
  store_->Quiesce();

  EXPECT_EQ(ssd_->stats().reads_ok, 0u);
  EXPECT_FALSE(InDram(chain[0]));
}

TEST_F(ReadTest, LookupsAreCountedByOutcomeTierAndReason) {
  const auto chain = Chain("a", 4);
  PutOnSsd(chain);
  ExpectReadable(chain[0]);
  const CategoryStats before = store_->stats().categories[2];
  ASSERT_EQ(before.name, "chat/1");
  auto longer = chain;
  longer.push_back(Chain("elsewhere", 1)[0]);

  Lookup(chain);
  Lookup(longer);
  Lookup(Chain("nothing", 3));

  const CategoryStats after = store_->stats().categories[2];
  EXPECT_EQ(after.lookups_full, before.lookups_full + 1);
  EXPECT_EQ(after.lookups_partial, before.lookups_partial + 1);
  EXPECT_EQ(after.lookups_miss, before.lookups_miss + 1);
  EXPECT_EQ(after.lookup_blocks_hit[0], before.lookup_blocks_hit[0] + 2);
  EXPECT_EQ(after.lookup_blocks_hit[1], before.lookup_blocks_hit[1] + 6);
  constexpr int kNeverSeen = static_cast<int>(MissReason::kNeverSeen);
  EXPECT_EQ(after.lookup_blocks_missed[kNeverSeen], before.lookup_blocks_missed[kNeverSeen] + 4);
}

TEST_F(ReadTest, AReadPromotes) {
  const auto chain = Chain("a", 1);
  PutOnSsd(chain);

  ExpectReadable(chain[0]);
  ExpectReadable(chain[0]);

  EXPECT_TRUE(InDram(chain[0]));
  EXPECT_TRUE(OnSsd(chain[0]));
  EXPECT_EQ(ssd_->stats().reads_ok, 1u);
  EXPECT_EQ(store_->stats().promoted_blocks, 1u);
}

TEST_F(ReadTest, OneBlockAskedForTwiceInOneReadIsReadOnce) {
  const auto chain = Chain("a", 1);
  PutOnSsd(chain);
  const std::vector<BlockAddress> twice = {Address(chain[0]), Address(chain[0])};

  const auto results = store_->Read(twice);

  EXPECT_TRUE(results[0].ok());
  EXPECT_TRUE(results[1].ok());
  EXPECT_EQ(ssd_->stats().reads_ok, 1u);
}

TEST_F(ReadTest, ConcurrentReadersShareTheReads) {
  const auto chain = Chain("a", 16);
  PutOnSsd(chain);
  std::vector<BlockAddress> addresses;
  for (const BlockHash& hash : chain) addresses.push_back(Address(hash));

  std::atomic<int> served{0};
  std::vector<std::thread> readers;
  for (int t = 0; t < 4; ++t) {
    readers.emplace_back([&] {
      for (const auto& result : store_->Read(addresses)) served += result.ok() ? 1 : 0;
    });
  }
  for (std::thread& reader : readers) reader.join();

  EXPECT_EQ(served, 64);
  EXPECT_EQ(ssd_->stats().reads_ok, 16u);
}

TEST_F(ReadTest, ADamagedBlockEndsThePrefixAndIsForgotten) {
  const auto chain = Chain("a", 4);
  PutOnSsd(chain);
  ExpectReadable(chain[0]);
  ssd_->DamageNextRead();

  EXPECT_TRUE(absl::IsDataLoss(ReadOne(chain[1]).status()));

  EXPECT_EQ(Prefix(chain), 1u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kCorrupt);
  EXPECT_FALSE(OnSsd(chain[1]));
  EXPECT_TRUE(absl::IsNotFound(ReadOne(chain[1]).status()));
  EXPECT_EQ(store_->stats().evicted_blocks[1][static_cast<int>(EvictReason::kCorrupt)], 1u);
  EXPECT_EQ(PutBlocks(chain, 1, 2)[0], PutOutcome::kStored);
  EXPECT_EQ(Prefix(chain), 4u);
}

TEST_F(ReadTest, ABlockThatCannotBeReadNowIsKept) {
  const auto chain = Chain("a", 2);
  PutOnSsd(chain);
  ssd_->FailReadsWith(absl::UnavailableError("partition is being reopened"));

  EXPECT_TRUE(absl::IsUnavailable(ReadOne(chain[0]).status()));
  EXPECT_EQ(Prefix(chain), 2u);

  ssd_->FailReadsWith(absl::OkStatus());
  ExpectReadable(chain[0]);
}

TEST_F(ReadTest, ABlockThatTheTierNoLongerHasIsForgotten) {
  const auto chain = Chain("a", 1);
  PutOnSsd(chain);
  ssd_->FailReadsWith(absl::NotFoundError("stale location"));

  EXPECT_TRUE(absl::IsNotFound(ReadOne(chain[0]).status()));

  EXPECT_EQ(Prefix(chain), 0u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kEvicted);
}

TEST_F(ReadTest, AnotherIdentityUnderTheSameKeyIsAMiss) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  BlockAddress forged = Address(chain[0]);
  forged.identity.hash = chain[1];

  EXPECT_FALSE(store_->FindInDram(forged));
  EXPECT_TRUE(absl::IsNotFound(store_->Read({&forged, 1})[0].status()));
  forged = Address(chain[0]);
  forged.identity.ns.bytes[0] ^= 1;
  EXPECT_FALSE(store_->FindInDram(forged));
}

TEST_F(ReadTest, AReadThatFindsDramFullWaitsForTheBackground) {
  Setup setup;
  setup.dram_blocks = 8;
  Open(setup);
  const auto chain = Chain("cold", 8);
  PutOnSsd(chain);
  int filled = 0;
  while (arena_->HasRoom(kTestBlockBytes)) PutChain(Chain(absl::StrCat("warm", filled++), 1));

  ExpectReadable(chain[0]);
}

TEST_F(ReadTest, AReadThatGetsNoRoomIsAMissAndKeepsTheBlock) {
  Setup setup;
  setup.dram_blocks = 4;
  Open(setup);
  const auto chain = Chain("cold", 6);
  PutChain(chain);
  Restart(/*drain=*/true);
  std::vector<BlockRef> held;
  while (arena_->HasRoom(kTestBlockBytes)) {
    auto block = ReadOne(chain[held.size()]);
    ASSERT_TRUE(block.ok());
    held.push_back(*std::move(block));
  }

  EXPECT_TRUE(absl::IsResourceExhausted(ReadOne(chain[5]).status()));

  held.clear();
  clock_.Advance(absl::Seconds(1));  // pinned blocks are looked at again after a while
  ExpectReadable(chain[5]);
}

TEST_F(ReadTest, GetsAreCounted) {
  store_->CountGet(ns_, kChat, {.blocks = {3, 2}, .bytes = {3 * kTestBlockBytes, kTestBlockBytes}});

  const CategoryStats chat = store_->stats().categories[2];
  EXPECT_EQ(chat.get_blocks[0], 3u);
  EXPECT_EQ(chat.get_blocks[1], 2u);
  EXPECT_EQ(chat.get_bytes[0], 3 * kTestBlockBytes);
  EXPECT_EQ(chat.get_bytes[1], kTestBlockBytes);
}

TEST_F(ReadTest, TouchesBecomeReuseGaps) {
  const auto chain = Chain("a", 3);
  PutChain(chain);
  store_->Quiesce();
  clock_.Advance(absl::Seconds(10));

  Touch(chain);
  store_->Quiesce();

  const CategoryStats chat = store_->stats().categories[2];
  EXPECT_EQ(chat.reuse_gap_ms.count, 3u);
  EXPECT_NEAR(chat.reuse_gap_ms.Quantile(0.5), 10000, 1300);
}

}  // namespace
}  // namespace halflife
