// What a store tells people: of a block, of misses, of what could have been hit.

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/storage/store/store_fixture.h"

namespace halflife {
namespace {

class InsightTest : public StoreTest {
 protected:
  void OpenDram(uint64_t blocks, const std::string& policy = "model") {
    Setup setup;
    setup.dram_blocks = blocks;
    setup.with_ssd = false;
    setup.options.policy = policy;
    setup.options.free_target_ratio = 0;
    Open(setup);
  }
  BlockExplanation Explain(const BlockHash& hash, NamespaceRef ns = nullptr) {
    return store_->Explain(ns != nullptr ? ns : ns_, {&hash, 1}, 0, 0)[0];
  }
  // As a client does.
  void Serve(const std::vector<BlockHash>& chain) {
    const uint32_t hits = Lookup(chain).prefix_blocks;
    Touch({chain.begin(), chain.begin() + hits});
    PutBlocks(chain, hits, chain.size());
    store_->Quiesce();
    clock_.Advance(absl::Seconds(1));
  }
};

TEST_F(InsightTest, ABlockInDramIsExplainedByItsFacts) {
  OpenDram(64);
  const auto chain = Chain("a", 3);
  Serve(chain);
  Serve(chain);
  clock_.Advance(absl::Seconds(9));

  const BlockExplanation block = Explain(chain[1]);

  EXPECT_TRUE(block.in_dram);
  EXPECT_FALSE(block.on_ssd);
  EXPECT_EQ(block.depth, 1u);
  EXPECT_EQ(block.bytes, kTestBlockBytes);
  EXPECT_EQ(block.hits, 1u);
  EXPECT_NEAR(block.idle_s, 10, 0.1);
  EXPECT_NEAR(block.age_s, 11, 0.2);
  EXPECT_FALSE(block.is_first);
  EXPECT_TRUE(block.parent_is_here);
  EXPECT_TRUE(Explain(chain[0]).is_first);
  ASSERT_TRUE(block.standing.has_value());
  EXPECT_EQ(block.standing->touches, 2u);
  EXPECT_TRUE(block.standing->in_tier[0]);
  EXPECT_FALSE(block.standing->in_tier[1]);
  EXPECT_EQ(block.standing->children[0], 1u);
  EXPECT_GT(block.standing->index, 0);
  EXPECT_FALSE(block.standing->prices[0].known) << "nothing had to go yet";
  EXPECT_FALSE(block.standing->worth_keeping_s[0].has_value());
}

TEST_F(InsightTest, ABlockThatMadeRoomTellsWhenAndAtWhichScore) {
  OpenDram(4);
  const auto old = Chain("old", 2);
  Serve(old);
  Serve(Chain("new", 4));
  clock_.Advance(absl::Seconds(7));

  const BlockExplanation gone = Explain(old[1]);

  EXPECT_FALSE(gone.is_here());
  EXPECT_EQ(gone.reason, MissReason::kEvicted);
  EXPECT_NEAR(gone.gone_s, 8, 1);
  ASSERT_TRUE(gone.standing.has_value()) << "its ghost is there";
  EXPECT_LT(gone.standing->idle_s, 3) << "as of when it went";
  EXPECT_GT(gone.standing->index, 0);
  EXPECT_TRUE(gone.standing->prices[0].known);
  EXPECT_FALSE(gone.standing->in_tier[0]);
}

TEST_F(InsightTest, WhatIsNotHereSaysWhy) {
  OpenDram(64);
  const auto chain = Chain("a", 1);
  EXPECT_EQ(Explain(chain[0]).reason, MissReason::kNeverSeen);
  Serve(chain);
  store_->DeleteChain(Slice(chain), {});
  EXPECT_EQ(Explain(chain[0]).reason, MissReason::kExpired);

  const NamespaceRef sibling = OpenNamespace("another model");
  const auto theirs = Chain("theirs", 1);
  PutChain(theirs, kChat, sibling);
  const bool told = ns_->descriptor.hash_scheme != HashScheme::kHalflife;
  EXPECT_EQ(Explain(theirs[0]).reason, told ? MissReason::kWrongNamespace : MissReason::kNeverSeen);
}

TEST_F(InsightTest, ABlockOnSsdIsExplainedThere) {
  Setup setup;
  setup.dram_blocks = 8;
  setup.options.policy = "model";
  Open(setup);
  const auto chain = Chain("a", 20);
  Serve(chain);

  const auto demoted = std::find_if(chain.begin(), chain.end(),
                                    [this](const BlockHash& hash) { return !InDram(hash); });
  ASSERT_NE(demoted, chain.end());

  const BlockExplanation block = Explain(*demoted);

  EXPECT_FALSE(block.in_dram);
  EXPECT_TRUE(block.on_ssd);
  ASSERT_TRUE(block.standing.has_value());
  EXPECT_FALSE(block.standing->in_tier[0]);
  EXPECT_TRUE(block.standing->in_tier[1]);
  EXPECT_TRUE(block.standing->prices[0].known);
  EXPECT_FALSE(block.standing->prices[1].known) << "nothing had to go from there";
}

TEST_F(InsightTest, ALeasedBlockIsPinned) {
  OpenDram(64);
  const auto chain = Chain("a", 2);
  Serve(chain);

  const PinnedLookup pinned = store_->Pin(Slice(chain), {}, kChat, absl::Seconds(5));

  EXPECT_TRUE(Explain(chain[0]).pinned);
  EXPECT_TRUE(store_->Release(pinned.lease).ok());
  EXPECT_FALSE(Explain(chain[0]).pinned);
}

TEST_F(InsightTest, APolicyWithoutScoresHasNoStandings) {
  OpenDram(64, "lru");
  const auto chain = Chain("a", 1);
  Serve(chain);

  EXPECT_TRUE(Explain(chain[0]).in_dram);
  EXPECT_FALSE(Explain(chain[0]).standing.has_value());
}

TEST_F(InsightTest, TheLatestMissesComeFirstAndTheRingIsBounded) {
  OpenDram(64);
  const auto chain = Chain("a", 3);
  PutBlocks(chain, 0, 2);
  Lookup(chain);

  const std::vector<RecentMiss> misses = store_->RecentMisses(10);

  ASSERT_EQ(misses.size(), 1u);
  EXPECT_EQ(misses[0].hash, chain[2]);
  EXPECT_EQ(misses[0].ns, ns_->id);
  EXPECT_EQ(misses[0].depth, 2u);
  EXPECT_EQ(misses[0].hit_blocks, 2u);
  EXPECT_EQ(misses[0].missed_blocks, 1u);
  EXPECT_EQ(misses[0].reason, MissReason::kNeverSeen);
  const auto last = Chain("last", 1);
  for (size_t i = 0; i < MissLog::kMaxMisses; ++i) Lookup(chain);
  Lookup(last);
  EXPECT_EQ(store_->RecentMisses(MissLog::kMaxMisses + 1).size(), MissLog::kMaxMisses);
  EXPECT_EQ(store_->RecentMisses(1)[0].hash, last[0]);
}

TEST_F(InsightTest, AFoundChainIsNoMiss) {
  OpenDram(64);
  const auto chain = Chain("a", 3);
  PutChain(chain);
  Lookup(chain);

  EXPECT_TRUE(store_->RecentMisses(10).empty());
}

TEST_F(InsightTest, TheReportHasCeilingsAndPrices) {
  OpenDram(4);
  for (int round = 0; round < 10; ++round) {
    Serve(Chain("a", 3));
    Serve(Chain("b", 3));
  }
  EXPECT_EQ(store_->Report()->made_ns, 0);

  store_->RefreshReport();

  const std::shared_ptr<const ResidencyReport> report = store_->Report();
  EXPECT_EQ(report->made_ns, clock_.NowNanos());
  EXPECT_EQ(report->ceilings.lookup_blocks, 60u);
  EXPECT_EQ(report->ceilings.capacity_blocks, 4u);
  EXPECT_NEAR(report->ceilings.infinite_hit_ratio, 54.0 / 60, 1e-9);
  EXPECT_NEAR(report->ceilings.lost_to_compulsory_ratio, 6.0 / 60, 1e-9);
  EXPECT_GT(report->ceilings.optimal_hit_ratio, report->ceilings.hit_ratio)
      << "one of the two chains could have stayed";
  EXPECT_TRUE(report->prices[0].known);
  EXPECT_GT(report->prices[0].index, 0);
  EXPECT_LE(report->prices[0].lowest_index, report->prices[0].highest_index);
}

TEST_F(InsightTest, TheReportHasWhatTheModelLearnt) {
  OpenDram(64);
  for (int round = 0; round < 60; ++round) Serve(Chain("a", 3));

  store_->RefreshReport();

  const ModelReport& model = store_->Report()->model;
  EXPECT_TRUE(model.has_model);
  EXPECT_GE(model.observed_reuses, 100u);
  EXPECT_LT(model.fit_age_s, 60);
  ASSERT_EQ(model.categories.size(), 1u);
  EXPECT_EQ(store_->CategoryNames()[model.categories[0].category], "chat/1");
  EXPECT_GT(model.categories[0].requests, 5);
  EXPECT_GT(model.categories[0].reuse.reuse_probability, 0.8);
  EXPECT_FALSE(model.duels[0].fights) << "nothing had to go";
  EXPECT_GT(model.memory_bytes, 0u);
}

TEST_F(InsightTest, TheSampleHasWhatWasLookedUpWithItsHits) {
  OpenDram(64);
  const auto chain = Chain("a", 4);
  Serve(chain);
  Serve(chain);

  const RequestSample::Snapshot sample = store_->SampledRequests();

  ASSERT_EQ(sample.segments.size(), 1u);
  ASSERT_EQ(sample.segments[0]->requests.size(), 2u);
  EXPECT_EQ(sample.hit_blocks, 4u);
  EXPECT_EQ(sample.lookup_blocks, 8u);
  const RequestSample::Request& second = sample.segments[0]->requests[1];
  EXPECT_EQ(second.chain_blocks, 4u);
  EXPECT_EQ(second.block_bytes, kTestBlockBytes);
  EXPECT_EQ(second.block_tokens, 16u);
  EXPECT_EQ(store_->CategoryNames()[second.category], "chat/1");
}

}  // namespace
}  // namespace halflife
