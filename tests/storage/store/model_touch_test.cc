// What the reuse model hears of callers that ask for blocks without looking them up.

#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

constexpr int kHotBlocks = 8;

class ModelTouchTest : public StoreTest {
 protected:
  void SetUp() override {
    Setup setup;
    setup.dram_blocks = 64;
    setup.with_ssd = false;
    setup.options.policy = "model";
    Open(setup);
  }

  // Four readers' rounds a second, and after each of them a stranger's chain that nobody reads.
  // Returns how many blocks were gone when they were asked for, and put again.
  int ReadWhileOthersPut(const std::vector<BlockHash>& hot, int seconds) {
    int gone = 0;
    for (int round = 0; round < 4 * seconds; ++round) {
      clock_.Advance(absl::Milliseconds(250));
      for (size_t i = 0; i < hot.size(); ++i) {
        if (InDram(hot[i])) continue;
        ++gone;
        PutBlocks(hot, i, i + 1);
      }
      Touch(hot);
      PutChain(Chain(absl::StrCat("stranger", round), 12), kAgent);
      store_->Quiesce();
    }
    return gone;
  }
};

TEST_F(ModelTouchTest, ReadsWithoutALookupKeepABlock) {
  const auto hot = Chain("hot", kHotBlocks);
  PutChain(hot);

  EXPECT_EQ(ReadWhileOthersPut(hot, 120), 0);
}

TEST_F(ModelTouchTest, ReadsThatOneLookupCameBeforeKeepABlock) {
  const auto hot = Chain("hot", kHotBlocks);
  PutChain(hot);
  ASSERT_EQ(Prefix(hot), uint32_t{kHotBlocks});

  EXPECT_EQ(ReadWhileOthersPut(hot, 120), 0);
}

TEST_F(ModelTouchTest, ABlockThatIsPutAgainWithoutALookupIsAsFreshAsANewOne) {
  const auto again = Chain("again", 4);
  PutChain(again);
  store_->Quiesce();
  for (int i = 0; i < 10; ++i) {
    PutChain(Chain(absl::StrCat("other", i), 12));
    store_->Quiesce();
  }
  ASSERT_FALSE(InDram(again[0]));
  clock_.Advance(absl::Minutes(10));

  PutChain(again);
  store_->Quiesce();

  for (const BlockExplanation& block : store_->Explain(ns_, again, 0, 0)) {
    ASSERT_TRUE(block.in_dram);
    ASSERT_TRUE(block.standing.has_value());
    EXPECT_EQ(block.standing->touches, 2u);
    EXPECT_LT(block.standing->idle_s, 1);
  }
}

TEST_F(ModelTouchTest, ALookupAloneIsNoTouch) {
  const auto chain = Chain("a", 2);
  PutChain(chain);
  store_->Quiesce();
  clock_.Advance(absl::Minutes(1));

  Lookup(chain);
  store_->Quiesce();

  const std::vector<BlockExplanation> answer = store_->Explain(ns_, chain, 0, 0);
  ASSERT_TRUE(answer[0].standing.has_value());
  EXPECT_EQ(answer[0].standing->touches, 1u);
  EXPECT_GE(answer[0].standing->idle_s, 59);
}

TEST_F(ModelTouchTest, APinnedPrefixAndTheRestThatIsPutAreOneRequest) {
  const auto chain = Chain("a", 4);
  PutBlocks(chain, 0, 2);
  store_->Quiesce();
  clock_.Advance(absl::Minutes(1));

  const PinnedLookup pinned = store_->Pin(Slice(chain), {}, kChat, absl::Seconds(10));
  ASSERT_EQ(pinned.pinned_blocks, 2u);
  PutBlocks(chain, 2, 4);
  store_->Quiesce();

  const std::vector<BlockExplanation> answer = store_->Explain(ns_, chain, 0, 0);
  EXPECT_EQ(answer[0].standing->touches, 2u);
  EXPECT_EQ(answer[3].standing->touches, 1u) << "told once, with what was pinned";
  ASSERT_TRUE(store_->Release(pinned.lease).ok());
}

}  // namespace
}  // namespace halflife
