#include "storage/index/record_pool.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace halflife {
namespace {

// Small enough for the heap, and large enough for pages of their own.
template <typename Pool>
class RecordPoolTest : public ::testing::Test {};
using Pools =
    ::testing::Types<RecordPool<std::shared_ptr<int>, 4>, RecordPool<std::shared_ptr<int>, 8192>>;
TYPED_TEST_SUITE(RecordPoolTest, Pools);

TYPED_TEST(RecordPoolTest, GivesFreedNumbersOutAgainAsNewRecords) {
  TypeParam pool;
  for (uint32_t number = 1; number <= 20'000; ++number) {
    ASSERT_EQ(pool.Add(), number);
    pool[number] = std::make_shared<int>(static_cast<int>(number));
  }

  pool.Free(17);
  pool.Free(4711);

  EXPECT_EQ(pool.Add(), 4711u);
  EXPECT_EQ(pool[4711], nullptr);
  EXPECT_EQ(pool.Add(), 17u);
  EXPECT_EQ(pool.Add(), 20'001u);
  EXPECT_EQ(*pool[20'000], 20'000);
  EXPECT_EQ(pool.end(), 20'002u);
}

TYPED_TEST(RecordPoolTest, EndsEveryRecordOnceAndNoOther) {
  const auto counted = std::make_shared<int>();
  {
    TypeParam pool;
    for (int i = 0; i < 10'000; ++i) pool[pool.Add()] = counted;
    for (uint32_t number = 1; number <= 10'000; number += 2) pool.Free(number);
    EXPECT_EQ(counted.use_count(), 1 + 5'000);
  }
  { const TypeParam never_used; }

  EXPECT_EQ(counted.use_count(), 1);
}

}  // namespace
}  // namespace halflife
