#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/policy_registry.h"
#include "tools/simulate/simulation.h"
#include "tools/simulate/simulation_grid.h"
#include "tools/workload/workload.h"

namespace halflife::tools {
namespace {

const SimulatedTrace& ChatTrace() {
  static const SimulatedTrace trace = [] {
    auto source = MakeWorkload("chat", {.requests = 1500, .seed = 3, .block_tokens = 128});
    EXPECT_TRUE(source.ok()) << source.status();
    return LoadSimulatedTrace(**source).value();
  }();
  return trace;
}

CacheSetup CacheOf(size_t capacity) {
  return {.trace = &ChatTrace(), .capacity_blocks = capacity, .dram_blocks = capacity};
}

std::vector<size_t> HitsOf(SimulatedCache& cache) {
  std::vector<size_t> hits;
  for (const auto& request : ChatTrace().requests) {
    hits.push_back(cache.Serve(ChatTrace().View(request)));
  }
  return hits;
}

size_t Sum(const std::vector<size_t>& values) {
  size_t sum = 0;
  for (const size_t value : values) sum += value;
  return sum;
}

class EveryPolicy : public testing::TestWithParam<const SimulatedPolicy*> {};

TEST_P(EveryPolicy, HitsNoMoreThanTheInfiniteCacheInAnyRequestAndTheOptimumInAll) {
  const std::vector<size_t> ceiling = HitsOf(*MakeInfiniteCache(CacheOf(1)));
  for (const size_t capacity : {1, 2, 7, 100, 1000}) {
    const std::vector<size_t> hits = HitsOf(*GetParam()->make(CacheOf(capacity)));

    for (size_t i = 0; i < hits.size(); ++i) ASSERT_LE(hits[i], ceiling[i]) << "request " << i;
    if (std::string(GetParam()->name) != "infinite") {
      EXPECT_LE(Sum(hits), Sum(HitsOf(*MakeOptimalCache(CacheOf(capacity))))) << capacity;
    }
  }
}

TEST_P(EveryPolicy, IsTheInfiniteCacheWhereEverythingFits) {
  const size_t all = ChatTrace().block_count();

  EXPECT_EQ(HitsOf(*GetParam()->make(CacheOf(all))), HitsOf(*MakeInfiniteCache(CacheOf(all))));
}

TEST_P(EveryPolicy, DoesTheSameWithTheSameSeed) {
  EXPECT_EQ(HitsOf(*GetParam()->make(CacheOf(300))), HitsOf(*GetParam()->make(CacheOf(300))));
}

std::string TestName(const testing::TestParamInfo<const SimulatedPolicy*>& info) {
  std::string name;
  for (const char* c = info.param->name; *c != 0; ++c) {
    if (*c != '-') name += *c;
  }
  return name;
}

std::vector<const SimulatedPolicy*> AllPolicies() {
  std::vector<const SimulatedPolicy*> policies;
  for (const SimulatedPolicy& policy : SimulatedPolicies()) policies.push_back(&policy);
  return policies;
}

INSTANTIATE_TEST_SUITE_P(Simulated, EveryPolicy, testing::ValuesIn(AllPolicies()), TestName);

// Those that can be asked what they hold, which is limited.
class BlockwisePolicy : public testing::TestWithParam<const SimulatedPolicy*> {
 protected:
  static std::unique_ptr<BlockwiseCache> Make(size_t capacity) {
    auto cache = GetParam()->make(CacheOf(capacity));
    return std::unique_ptr<BlockwiseCache>(dynamic_cast<BlockwiseCache*>(cache.release()));
  }
};

TEST_P(BlockwisePolicy, NeverHoldsMoreThanItsCapacityAndFillsIt) {
  for (const size_t capacity : {1, 2, 7, 100, 1000}) {
    const auto cache = Make(capacity);
    for (const auto& request : ChatTrace().requests) {
      cache->Serve(ChatTrace().View(request));

      ASSERT_LE(cache->size(), capacity);
    }
    EXPECT_EQ(cache->size(), capacity);
  }
}

TEST_P(BlockwisePolicy, CountsAsHitsThePrefixThatItHolds) {
  const auto cache = Make(200);
  for (const auto& request : ChatTrace().requests) {
    const auto blocks = ChatTrace().BlocksOf(request);
    size_t prefix = 0;
    while (prefix < blocks.size() && cache->Holds(blocks[prefix])) ++prefix;

    ASSERT_EQ(cache->Serve(ChatTrace().View(request)), prefix);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Simulated, BlockwisePolicy,
    testing::ValuesIn(
        ParsePolicies("lru,fifo,lfu,gdfs,sieve,s3-fifo,arc,lirs,w-tinylfu,lhd").value()),
    TestName);

TEST(SimulationGrid, DoesNotDependOnHowManyRunAtATime) {
  GridOptions options;
  options.policies = ParsePolicies("lru,lhd,optimum").value();
  for (const char* text : {"1%", "5%", "100"}) {
    options.capacities.push_back(
        CapacityFor(ParseCapacity(text).value(), ChatTrace(), 1024).value());
  }
  const std::vector<GridCell> one = RunGrid(ChatTrace(), options);
  options.jobs = 4;
  const std::vector<GridCell> four = RunGrid(ChatTrace(), options);

  ASSERT_EQ(one.size(), 9u);
  ASSERT_EQ(four.size(), 9u);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].result.hit_blocks, four[i].result.hit_blocks);
    EXPECT_EQ(one[i].policy, options.policies[i / 3]);
    EXPECT_EQ(one[i].capacity.blocks, options.capacities[i % 3].blocks);
  }
  EXPECT_DOUBLE_EQ(one[0].gap_closed().value(), 0);
  EXPECT_DOUBLE_EQ(one[6].gap_closed().value(), 1);
}

TEST(SimulationGrid, KnowsTheGapThoughNobodyAskedForItsEnds) {
  GridOptions options;
  options.policies = ParsePolicies("s3-fifo").value();
  options.capacities = {CapacityFor(ParseCapacity("2%").value(), ChatTrace(), 1).value()};

  const std::vector<GridCell> cells = RunGrid(ChatTrace(), options);

  ASSERT_EQ(cells.size(), 1u);
  EXPECT_GT(cells[0].lru_hit_ratio, 0);
  EXPECT_GT(cells[0].optimum_hit_ratio, cells[0].result.hit_ratio());
}

}  // namespace
}  // namespace halflife::tools
