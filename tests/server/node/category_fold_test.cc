#include "server/admin/category_fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/strings.h"

namespace halflife {
namespace {

// As many categories, each looked up `lookups` times by one model.
StoreStats Stats(int categories, uint64_t lookups) {
  StoreStats store;
  for (int i = 0; i < categories; ++i) {
    CategoryStats category;
    category.name = StrCat("c", i);
    category.lookups_full = lookups;
    category.lookup_blocks_hit = {10 * lookups, lookups};
    category.resident_blocks = {1, 2};
    store.models.push_back({"llama", category.name, category});
    store.categories.push_back(std::move(category));
  }
  return store;
}

std::vector<std::string> NamesOf(const StoreStats& store) {
  std::vector<std::string> names;
  for (const CategoryStats& category : store.categories) names.push_back(category.name);
  return names;
}

TEST(CategoryFold, SixteenCategoriesKeepTheirNamesAndTheRestIsOther) {
  CategoryFold fold;
  StoreStats store = Stats(20, 5);

  fold.Fold(&store);

  ASSERT_EQ(store.categories.size(), 17u);
  EXPECT_EQ(store.categories[15].name, "c15");
  const CategoryStats& other = store.categories[16];
  EXPECT_EQ(other.name, "other");
  EXPECT_EQ(other.lookups_full, 4u * 5);
  EXPECT_EQ(other.lookup_blocks_hit[0], 4u * 50);
  EXPECT_EQ(other.resident_blocks[1], 4u * 2);
  ASSERT_EQ(store.models.size(), 17u);
  EXPECT_EQ(store.models[16].category, "other");
  EXPECT_EQ(store.models[16].requests.lookups_full, 4u * 5);
}

TEST(CategoryFold, WhatNothingHappensInTakesNoPlace) {
  CategoryFold fold;
  StoreStats store;
  for (int i = 0; i < 40; ++i) store.categories.push_back({});
  for (int i = 0; i < 40; ++i) store.categories[i].name = StrCat("well-known ", i);
  store.categories[39].lookups_miss = 1;

  fold.Fold(&store);

  EXPECT_THAT(NamesOf(store), testing::ElementsAre("well-known 39", "other"));
}

TEST(CategoryFold, WhatWasOtherStaysOtherSoThatNoCounterGoesBack) {
  CategoryFold fold;
  StoreStats first = Stats(20, 1);
  fold.Fold(&first);
  StoreStats later = Stats(20, 2);
  std::swap(later.categories[0], later.categories[19]);  // in another order

  fold.Fold(&later);

  EXPECT_TRUE(fold.IsOwn("c0"));
  EXPECT_FALSE(fold.IsOwn("c19"));
  EXPECT_EQ(later.categories.back().lookups_full, 4u * 2);
}

}  // namespace
}  // namespace halflife
