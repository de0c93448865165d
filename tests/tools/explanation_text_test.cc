#include "tools/admin/explanation_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace halflife::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

// In DRAM, of score 0.5 where 0.2 is the price.
v1::BlockExplanation InDram() {
  v1::BlockExplanation block;
  block.set_hash(std::string(32, 'a'));
  block.set_in_dram(true);
  block.mutable_standing()->set_index(0.5);
  v1::TierStanding* dram = block.mutable_standing()->add_tiers();
  dram->set_tier(v1::TIER_DRAM);
  dram->set_present(true);
  dram->set_model_leads(true);
  dram->set_price(0.2);
  dram->set_worth_keeping_seconds(90);
  block.mutable_standing()->add_tiers()->set_tier(v1::TIER_SSD);
  return block;
}

TEST(WhyText, ABlockStaysForAsLongAsItsScoreIsAboveThePrice) {
  EXPECT_EQ(WhyText(InDram()), "score 0.5, price 0.2: worth its place for 90.0 s more");

  v1::BlockExplanation below = InDram();
  below.mutable_standing()->mutable_tiers(0)->set_worth_keeping_seconds(0);
  EXPECT_THAT(WhyText(below), HasSubstr("goes when room is needed"));

  v1::BlockExplanation forever = InDram();
  forever.mutable_standing()->mutable_tiers(0)->clear_worth_keeping_seconds();
  EXPECT_THAT(WhyText(forever), HasSubstr("stays"));
}

TEST(WhyText, WhatKeepsABlockWhateverItsScoreComesFirst) {
  v1::BlockExplanation pinned = InDram();
  pinned.set_pinned(true);
  EXPECT_EQ(WhyText(pinned), "somebody holds it");

  v1::BlockExplanation parent = InDram();
  parent.mutable_standing()->mutable_tiers(0)->set_children(3);
  EXPECT_EQ(WhyText(parent), "carries 3 blocks that go before it");

  v1::BlockExplanation roomy = InDram();
  roomy.mutable_standing()->mutable_tiers(0)->clear_price();
  EXPECT_EQ(WhyText(roomy), "nothing had to go yet");

  v1::BlockExplanation unscored = InDram();
  unscored.clear_standing();
  EXPECT_THAT(WhyText(unscored), HasSubstr("keeps no score"));

  v1::BlockExplanation by_recency = InDram();
  by_recency.mutable_standing()->mutable_tiers(0)->set_model_leads(false);
  EXPECT_THAT(WhyText(by_recency), StartsWith("by recency"));
}

TEST(WhyText, ABlockThatIsGoneTellsWhyWhenAndAtWhichScore) {
  v1::BlockExplanation gone = InDram();
  gone.set_in_dram(false);
  gone.set_missing(v1::MISS_REASON_EVICTED);
  gone.set_gone_seconds(12);

  EXPECT_EQ(WhyText(gone), "made room for others 12.0 s ago; its score was 0.5, dram price 0.2");
}

TEST(WhyText, EveryReasonHasWords) {
  std::set<std::string> texts;
  for (int reason = 1; reason < v1::MissReason_ARRAYSIZE; ++reason) {
    v1::BlockExplanation block;
    block.set_missing(static_cast<v1::MissReason>(reason));
    texts.insert(WhyText(block));
  }

  EXPECT_EQ(texts.size(), static_cast<size_t>(v1::MissReason_ARRAYSIZE - 1));
}

TEST(ExplanationReport, OneBlockIsARecordAndSeveralAreRowsOfTheSameColumns) {
  v1::ExplainResponse response;
  *response.add_blocks() = InDram();
  const Report one = ExplanationReport(response);
  response.add_blocks()->set_missing(v1::MISS_REASON_NEVER_SEEN);
  const Report two = ExplanationReport(response);

  EXPECT_TRUE(one.tables[0].is_record);
  EXPECT_FALSE(two.tables[0].is_record);
  EXPECT_EQ(one.tables[0].columns, two.tables[0].columns);
  ASSERT_EQ(two.tables[0].rows.size(), 2u);
  EXPECT_EQ(two.tables[0].rows[1].size(), two.tables[0].columns.size());
}

}  // namespace
}  // namespace halflife::tools
