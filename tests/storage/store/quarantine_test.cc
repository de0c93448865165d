// A partition of the SSD tier is set aside while the store runs: its blocks are gone without a call
// to the store, and the index has to notice.
#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

class QuarantineTest : public StoreTest {
 protected:
  uint64_t CorruptOnSsd() const {
    return store_->stats().evicted_blocks[1][static_cast<int>(EvictReason::kCorrupt)];
  }
  // Puts a chain that is in DRAM and on SSD, every block in both.
  std::vector<BlockHash> ChainInBothTiers(int blocks) {
    auto chain = Chain("both", blocks);
    PutChain(chain);
    Restart(/*drain=*/true);
    for (const BlockHash& hash : chain) ExpectReadable(hash);
    const StoreStats stats = store_->stats();
    EXPECT_EQ(stats.resident_blocks[0], chain.size());
    EXPECT_EQ(stats.resident_blocks[1], chain.size());
    return chain;
  }
};

TEST_F(QuarantineTest, BlocksThatWereOnlyOnSsdAreCorruptMisses) {
  const auto chain = Chain("a", 40);
  PutChain(chain);
  Restart(/*drain=*/true);
  ASSERT_EQ(Prefix(chain), 40u);

  ssd_->Quarantine();
  ASSERT_NE(store_->CheckConservation(), "") << "the index does not know yet";
  store_->Quiesce();

  EXPECT_EQ(store_->CheckConservation(), "");
  EXPECT_EQ(store_->stats().resident_blocks[1], 0u);
  EXPECT_EQ(store_->stats().index_entries, 0u);
  EXPECT_EQ(CorruptOnSsd(), 40u);
  EXPECT_EQ(Lookup(chain).prefix_blocks, 0u);
  EXPECT_EQ(Lookup(chain).miss_reason, MissReason::kCorrupt);
}

TEST_F(QuarantineTest, BlocksThatAreInDramAsWellStayAndAreWrittenAgain) {
  const auto chain = ChainInBothTiers(40);

  ssd_->Quarantine();
  store_->Quiesce();

  EXPECT_EQ(Prefix(chain), 40u);
  EXPECT_EQ(store_->stats().resident_blocks[0], 40u);
  EXPECT_EQ(store_->stats().resident_blocks[1], 0u);
  EXPECT_EQ(CorruptOnSsd(), 40u);
  PutChain(Chain("other", 64));
  store_->Quiesce();
  EXPECT_EQ(Prefix(chain), 40u);
  for (const BlockHash& hash : chain) ExpectReadable(hash);
}

TEST_F(QuarantineTest, ADrainThatComesRightAfterItWritesWhatDramHas) {
  const auto chain = ChainInBothTiers(40);
  ssd_->Quarantine();

  Restart(/*drain=*/true);

  EXPECT_EQ(Prefix(chain), 40u);
  for (const BlockHash& hash : chain) ExpectReadable(hash);
}

TEST_F(QuarantineTest, AnotherOneFindsWhatWasWrittenSince) {
  const auto chain = ChainInBothTiers(40);
  ssd_->Quarantine();
  store_->Quiesce();
  PutChain(Chain("other", 64));
  store_->Quiesce();
  ASSERT_GT(store_->stats().resident_blocks[1], 0u);

  ssd_->Quarantine();
  store_->Quiesce();

  EXPECT_EQ(store_->CheckConservation(), "");
  EXPECT_EQ(store_->stats().resident_blocks[1], 0u);
}

// More blocks than one piece of the walk takes.
TEST_F(QuarantineTest, ALargeIndexIsWalkedToItsEnd) {
  Setup setup;
  setup.dram_bytes = uint64_t{48} << 20;
  Open(setup);
  PutChain(Chain("a", 4500), kChat, OpenNamespace("small", 4096));
  store_->Drain(absl::Seconds(60));
  ASSERT_EQ(store_->stats().resident_blocks[1], 4500u);

  ssd_->Quarantine();
  store_->Quiesce();

  EXPECT_EQ(store_->CheckConservation(), "");
  EXPECT_EQ(store_->stats().resident_blocks[1], 0u);
  EXPECT_EQ(CorruptOnSsd(), 4500u);
}

}  // namespace
}  // namespace halflife
