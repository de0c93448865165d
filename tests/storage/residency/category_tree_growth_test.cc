#include <gtest/gtest.h>

#include <algorithm>

#include "storage/residency/categories/tree_growth.h"
#include "tests/storage/residency/category_planted.h"

namespace halflife {
namespace {

constexpr double kWindowS = 3600;

GrowthOptions Options() {
  GrowthOptions options;
  options.horizon_s = kWindowS;
  return options;
}

struct Planted {
  GrownTree grown;
  double agreement = 0;
  int noise_splits = 0;
};

Planted GrowPlanted(uint64_t seed, size_t requests) {
  PlantedRequests planted(seed);
  std::vector<int> cells;
  const ObservationWindows windows = planted.Draw(requests, cells);
  Planted result{GrowTree(windows, PlantedRequests::Descriptions(), Options())};
  std::vector<int> found;
  size_t train = 0, next = 0;
  for (size_t i = 0; i < requests; ++i) {
    const RequestLevels& levels =
        PlantedRequests::IsTrain(i) ? windows.train.levels(train++) : windows.next.levels(next++);
    found.push_back(result.grown.tree.CategoryOf(levels));
  }
  result.agreement = AdjustedRandIndex(cells, found);
  for (const CategoryTree::Node& node : result.grown.tree.nodes()) {
    if (node.attribute >= PlantedRequests::kTenant) ++result.noise_splits;
  }
  return result;
}

// 6,000 requests to learn from and 2,000 to test on.
TEST(CategoryTreeGrowth, FindsEightPlantedCategoriesAndNoNoise) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const Planted planted = GrowPlanted(seed, 8000);

    RecordProperty("agreement_" + std::to_string(seed), std::to_string(planted.agreement));
    EXPECT_GE(planted.agreement, .85) << "seed " << seed;
    EXPECT_EQ(planted.noise_splits, 0) << "seed " << seed;
  }
}

// Requests of two levels of attribute 0 that behave as the two functions say.
template <typename First, typename Second>
ObservationWindows TwoKinds(First first, Second second) {
  ObservationWindows windows;
  tools::Random random(3);
  for (int i = 0; i < 4000; ++i) {
    ObservationTable& table = i % 4 == 3 ? windows.next : windows.train;
    RequestLevels levels{};
    levels[0] = static_cast<uint8_t>(1 + random.Below(2));
    table.StartRequest(levels);
    levels[0] == 1 ? first(table, random) : second(table, random);
  }
  return windows;
}

const std::vector<AttributeDescription> kOneAttribute = {{"kind", false, {"", "a", "b"}}};

TEST(CategoryTreeGrowth, WhatBehavesAlikeStaysTogether) {
  const auto alike = [](ObservationTable& table, tools::Random& random) {
    table.AddReused(random.Exponential(30), .5);
    table.AddCensored(900, .5);
  };

  const GrownTree grown = GrowTree(TwoKinds(alike, alike), kOneAttribute, Options());

  EXPECT_EQ(grown.tree.category_count(), 1u);
  ASSERT_EQ(grown.steps.size(), 1u);
  EXPECT_EQ(grown.steps.front().outcome, GrowthStep::Outcome::kGainTooSmall);
}

TEST(CategoryTreeGrowth, TheBlocksOfARequestAreOneObservation) {
  const auto blocks = [](int count) {
    return [count](ObservationTable& table, tools::Random& random) {
      const double gap_s = random.Exponential(30);
      for (int i = 0; i < count; ++i) table.AddReused(gap_s, 1.0 / count);
    };
  };

  const GrownTree one = GrowTree(TwoKinds(blocks(1), blocks(1)), kOneAttribute, Options());
  const GrownTree many = GrowTree(TwoKinds(blocks(50), blocks(50)), kOneAttribute, Options());

  EXPECT_NEAR(many.steps.front().candidate.train.gain(), one.steps.front().candidate.train.gain(),
              1e-3);
  EXPECT_EQ(many.steps.front().requests, one.steps.front().requests);
}

TEST(CategoryTreeGrowth, ADifferenceInShapeAloneIsSeenByTheLifeTable) {
  // The same reuse probability and mean gap, but one is regular and the other is not.
  const auto regular = [](ObservationTable& table, tools::Random&) { table.AddReused(100, 1); };
  const auto irregular = [](ObservationTable& table, tools::Random& random) {
    table.AddReused(random.Exponential(100), 1);
  };

  const GrownTree grown = GrowTree(TwoKinds(regular, irregular), kOneAttribute, Options());

  ASSERT_EQ(grown.tree.category_count(), 2u);
  EXPECT_FALSE(grown.steps.front().candidate.is_by_exponentials);
  EXPECT_FALSE(grown.tree.category(grown.tree.CategoryOf({1})).model.uses_exponential);
  EXPECT_TRUE(grown.tree.category(grown.tree.CategoryOf({2})).model.uses_exponential);
}

TEST(CategoryTreeGrowth, WhatTheNextWindowDoesNotShowIsNotSplit) {
  const auto short_gap = [](ObservationTable& table, tools::Random& random) {
    table.AddReused(random.Exponential(10), 1);
  };
  const auto long_gap = [](ObservationTable& table, tools::Random& random) {
    table.AddReused(random.Exponential(200), 1);
  };
  ObservationWindows windows = TwoKinds(short_gap, long_gap);
  windows.next = TwoKinds(long_gap, short_gap).next;  // the other way round

  const GrownTree grown = GrowTree(windows, kOneAttribute, Options());

  EXPECT_EQ(grown.tree.category_count(), 1u);
  EXPECT_EQ(grown.steps.front().outcome, GrowthStep::Outcome::kNotHeldOut);
  EXPECT_GT(grown.steps.front().candidate.train.gain(), 100);
}

TEST(CategoryTreeGrowth, HasNoMoreCategoriesThanItMayAndNoSmallerOnes) {
  PlantedRequests planted(4);
  std::vector<int> cells;
  const ObservationWindows windows = planted.Draw(8000, cells);
  GrowthOptions few = Options();
  few.max_leaves = 4;

  const GrownTree grown = GrowTree(windows, PlantedRequests::Descriptions(), few);

  EXPECT_EQ(grown.tree.category_count(), 4u);
  EXPECT_TRUE(std::any_of(grown.steps.begin(), grown.steps.end(), [](const GrowthStep& step) {
    return step.outcome == GrowthStep::Outcome::kLeafLimit;
  }));
  for (int c = 0; c < 4; ++c) EXPECT_GE(grown.tree.category(c).requests, 200u);
}

TEST(CategoryTreeGrowth, LeavesThatBehaveAlikeAreOneCategory) {
  // An ordered attribute whose ends behave alike: two cuts, two categories.
  ObservationWindows windows;
  tools::Random random(9);
  for (int i = 0; i < 6000; ++i) {
    ObservationTable& table = i % 4 == 3 ? windows.next : windows.train;
    RequestLevels levels{};
    levels[0] = static_cast<uint8_t>(1 + random.Below(3));
    table.StartRequest(levels);
    table.AddReused(random.Exponential(levels[0] == 2 ? 10 : 300), 1);
  }

  const GrownTree grown = GrowTree(windows, {{{"size", true, {"", "1", "2", "3"}}}}, Options());

  EXPECT_EQ(grown.tree.leaves().size(), 3u);
  EXPECT_EQ(grown.tree.category_count(), 2u);
  EXPECT_EQ(grown.merges.size(), 1u);
  EXPECT_EQ(grown.tree.CategoryOf({1}), grown.tree.CategoryOf({3}));
  EXPECT_NE(grown.tree.CategoryOf({1}), grown.tree.CategoryOf({2}));
}

TEST(CategoryTreeGrowth, ThePinnedAreTheirOwnCategoryAndGrowNothing) {
  PlantedRequests planted(4);
  std::vector<int> cells;
  const ObservationWindows windows = planted.Draw(8000, cells);
  GrowthOptions options = Options();
  CategoryPin pin{"tenant two", {AnyLevels()}};
  pin.rules[0][PlantedRequests::kTenant] = SetOf(2);
  options.pins = {pin};

  const GrownTree grown = GrowTree(windows, PlantedRequests::Descriptions(), options);

  EXPECT_LT(grown.train_requests, 5500u);  // of 6,000, without a sixth
  size_t pinned = 0;
  for (size_t i = 0; i < windows.train.request_count(); ++i) {
    const RequestLevels& levels = windows.train.levels(i);
    const bool is_pinned = levels[PlantedRequests::kTenant] == 2;
    EXPECT_EQ(grown.tree.CategoryOf(levels) == 0, is_pinned);
    pinned += is_pinned ? 1 : 0;
  }
  EXPECT_EQ(grown.tree.category(0).requests, pinned);
  EXPECT_EQ(grown.train_requests + pinned, windows.train.request_count());
  EXPECT_GE(grown.tree.category_count(), 7u);
}

TEST(CategoryTreeGrowth, IsTheSameEveryTime) {
  const Planted one = GrowPlanted(2, 8000);
  const Planted other = GrowPlanted(2, 8000);

  ASSERT_EQ(one.grown.tree.nodes().size(), other.grown.tree.nodes().size());
  for (size_t i = 0; i < one.grown.tree.nodes().size(); ++i) {
    EXPECT_EQ(one.grown.tree.nodes()[i].left, other.grown.tree.nodes()[i].left);
    EXPECT_EQ(one.grown.tree.nodes()[i].category, other.grown.tree.nodes()[i].category);
  }
}

TEST(CategoryTreeGrowth, NothingSeenIsOneCategory) {
  const GrownTree grown = GrowTree({}, PlantedRequests::Descriptions(), Options());

  EXPECT_EQ(grown.tree.category_count(), 1u);
  EXPECT_EQ(grown.tree.CategoryOf({5, 5, 5}), 0);
}

TEST(CategoryTreeRenewal, KeepsTheTreeItHasUnlessTheNewOneIsClearlyBetter) {
  PlantedRequests planted(4);
  std::vector<int> cells;
  const ObservationWindows yesterday = planted.Draw(8000, cells);
  const ObservationWindows today = planted.Draw(8000, cells);
  const CategoryTree old_tree =
      GrowTree(yesterday, PlantedRequests::Descriptions(), Options()).tree;
  const CategoryTree new_tree = GrowTree(today, PlantedRequests::Descriptions(), Options()).tree;

  const Renewal same = RenewTree(old_tree, new_tree, today, kWindowS);
  const Renewal first = RenewTree(CategoryTree(), new_tree, today, kWindowS);

  EXPECT_FALSE(same.is_new);
  EXPECT_EQ(same.tree.nodes().size(), old_tree.nodes().size());
  EXPECT_TRUE(first.is_new);
  EXPECT_GT(first.grown_nats, first.current_nats);
}

TEST(CategoryTreeRenewal, TakesANewTreeWhenCategoriesComeToDiffer) {
  // So far only types 3 and 4 were told apart; then what follows a turn matters too.
  PlantedRequests planted(4);
  std::vector<int> cells;
  const ObservationWindows today = planted.Draw(8000, cells);
  CategoryTree current;
  current.Split(0, PlantedRequests::kType, SetOf(3));
  const GrownTree grown = GrowTree(today, PlantedRequests::Descriptions(), Options());

  const Renewal renewal = RenewTree(current, grown.tree, today, kWindowS);

  EXPECT_TRUE(renewal.is_new);
  EXPECT_EQ(renewal.tree.category_count(), grown.tree.category_count());
  EXPECT_GE(renewal.grown_nats - renewal.current_nats, -kRenewalGain * renewal.current_nats);
}

}  // namespace
}  // namespace halflife
