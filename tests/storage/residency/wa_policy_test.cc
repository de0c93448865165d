#include "storage/residency/model/wa_policy.h"

#include <gtest/gtest.h>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {
namespace {

// Category 1 comes back after ten seconds, category 2 never does. Returns the time after it.
double Teach(PolicyCache* cache) {
  double time_s = 0;
  for (uint64_t i = 0; i < 200; ++i) {
    time_s += 10;
    if (i > 0) cache->Serve({time_s, 1, {1000 + i - 1}});
    cache->Serve({time_s, 1, {1000 + i}});
    cache->Serve({time_s, 2, {5000 + i}});
  }
  return time_s;
}

TEST(WaPolicy, GivesUpTheCategoryThatIsNotReusedFirstWhateverItsAge) {
  WaPolicy policy;
  PolicyCache cache(&policy, 2);
  const double time_s = Teach(&cache);

  cache.Serve({time_s + 40, 1, {1}});
  cache.Serve({time_s + 41, 2, {2}});
  cache.Serve({time_s + 42, 1, {3}});

  EXPECT_TRUE(cache.Holds(1));
  EXPECT_FALSE(cache.Holds(2));
  EXPECT_TRUE(cache.Holds(3));
}

TEST(WaPolicy, GivesUpATailBeforeItsHead) {
  WaPolicy policy;
  PolicyCache cache(&policy, 2);
  const double time_s = Teach(&cache);

  cache.Serve({time_s + 40, 1, {2, 3}});
  cache.Serve({time_s + 41, 1, {4}});

  EXPECT_TRUE(cache.Holds(2));
  EXPECT_FALSE(cache.Holds(3));
}

TEST(WaPolicy, IsRecencyUntilItHasSeenAReuse) {
  WaPolicy policy;
  PolicyCache cache(&policy, 2);

  cache.Serve({1, 1, {1}});
  cache.Serve({2, 2, {2}});
  cache.Serve({3, 1, {3}});

  EXPECT_FALSE(cache.Holds(1));
  EXPECT_TRUE(cache.Holds(2));
}

}  // namespace
}  // namespace halflife
