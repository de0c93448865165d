#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/listed_requests.h"
#include "tools/simulate/capacity.h"
#include "tools/simulate/front_cache.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/release_hints.h"
#include "tools/simulate/request_categories.h"
#include "tools/simulate/simulation.h"

namespace halflife::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<uint32_t> Blocks(const SimulatedTrace& trace, size_t request) {
  const auto blocks = trace.BlocksOf(trace.requests[request]);
  return {blocks.begin(), blocks.end()};
}

TEST(SimulatedTrace, NumbersBlocksInTheOrderInWhichTheyAppear) {
  const SimulatedTrace trace = TraceOf({{70, 80, 90}, {70, 80, 5}, {5}, {70, 80, 90}});

  EXPECT_THAT(Blocks(trace, 0), ElementsAre(0, 1, 2));
  EXPECT_THAT(Blocks(trace, 1), ElementsAre(0, 1, 3));
  EXPECT_THAT(Blocks(trace, 3), ElementsAre(0, 1, 2));
  EXPECT_THAT(trace.parent, ElementsAre(kNoBlock, 0, 1, 1, kNoBlock));
  EXPECT_THAT(trace.depth, ElementsAre(0, 1, 2, 2, 0));
  EXPECT_EQ(trace.block_tokens, 512u);
}

TEST(SimulatedTrace, AnIdUnderTwoParentsIsTwoBlocks) {
  const SimulatedTrace trace = TraceOf({{1, 2}, {3, 2}, {2}, {4, 4, 4}});

  EXPECT_THAT(Blocks(trace, 0), ElementsAre(0, 1));
  EXPECT_THAT(Blocks(trace, 1), ElementsAre(2, 3));
  EXPECT_THAT(Blocks(trace, 2), ElementsAre(4));
  EXPECT_THAT(Blocks(trace, 3), ElementsAre(5, 6, 7));
}

TEST(SimulatedTrace, TimeIsInNanosecondsAndNeverGoesBack) {
  std::vector<Request> requests = RequestsFor({{1}, {2}, {3}});
  requests[0].time_s = 1.5;
  requests[1].time_s = 1.25;
  requests[2].time_s = 2.000000001;
  ListedRequests source(requests);

  const SimulatedTrace trace = LoadSimulatedTrace(source).value();

  EXPECT_EQ(trace.requests[0].time_ns, 1'500'000'000);
  EXPECT_EQ(trace.requests[1].time_ns, 1'500'000'000);
  EXPECT_EQ(trace.requests[2].time_ns, 2'000'000'001);
}

TEST(SimulatedTrace, LeavesOutRequestsWithoutAFullBlock) {
  EXPECT_EQ(TraceOf({{1}, {}, {2}}).requests.size(), 2u);

  ListedRequests none(RequestsFor({{}, {}}));
  EXPECT_EQ(LoadSimulatedTrace(none).status().message(), "no request has a full block");
}

TEST(RequestCategories, AreNamedByTypeTurnBucketAndPreviousStop) {
  RequestCategories categories;
  Request request;
  EXPECT_EQ(categories.Number(request), kUnknownCategory);  // the trace says nothing
  request.type = "user";
  const std::pair<uint32_t, const char*> turns[] = {
      {0, "user"},          {1, "user turn 1"},   {2, "user turn 2"}, {3, "user turn 3-4"},
      {5, "user turn 5-8"}, {8, "user turn 5-8"}, {9, "user turn 9+"}};
  for (const auto& [turn, name] : turns) {
    request.turn = turn;
    EXPECT_EQ(categories.names()[categories.Number(request)], name);
  }
  request.previous_stop = "tool_use";
  EXPECT_EQ(categories.names()[categories.Number(request)], "user turn 9+ after tool_use");
}

TEST(RequestCategories, AreAtMostSixtyFour) {
  RequestCategories categories;
  Request request;
  for (int i = 0; i < 100; ++i) {
    request.type = "type " + std::to_string(i);
    const Category number = categories.Number(request);

    EXPECT_EQ(number, i < kMaxCategories - 1 ? i + 1 : kUnknownCategory);
  }
  EXPECT_EQ(categories.names().size(), size_t{kMaxCategories});
}

TEST(FrontCache, AbsorbsItsHitsAndTheRequestsThatItHitsInFull) {
  const SimulatedTrace trace = TraceOf({{1, 2}, {1, 2}, {1, 2, 3}, {4, 5, 6}, {1}});

  const SimulatedTrace rest = WithFrontCache(trace, 3);

  ASSERT_EQ(rest.requests.size(), 4u);  // the second is absorbed
  EXPECT_EQ(rest.requests[0].absorbed, 0u);
  EXPECT_THAT(Blocks(rest, 1), ElementsAre(0, 1, 2));
  EXPECT_EQ(rest.requests[1].absorbed, 2u);
  EXPECT_EQ(rest.requests[3].absorbed, 0u);  // {4, 5, 6} drove 1 out
  EXPECT_EQ(rest.block_count(), trace.block_count());
}

TEST(ReleaseHints, AreOfRequestsToWhoseChainNobodyComesBack) {
  SimulatedTrace trace = TraceOf({{1, 2}, {1, 2, 3}, {4}, {1, 5}, {4, 6}});
  MarkReleases(1, 1, &trace);
  std::vector<bool> released;
  for (const auto& request : trace.requests) released.push_back(request.released);
  EXPECT_THAT(released, ElementsAre(false, true, false, true, true));

  MarkReleases(0, 1, &trace);
  for (const auto& request : trace.requests) EXPECT_FALSE(request.released);
}

TEST(Simulation, CountsWhatTheFrontCacheLeft) {
  const SimulatedTrace rest =
      WithFrontCache(TraceOf({{1, 2}, {1, 2}, {1, 2, 3}, {4, 5, 6}, {1, 2, 3, 7}}), 3);
  const auto cache = MakeInfiniteCache({.trace = &rest, .capacity_blocks = 1});

  const SimulationResult result = Simulate(rest, *cache, false);

  EXPECT_EQ(result.lookup_blocks, 2u + 1u + 3u + 4u);
  EXPECT_EQ(result.hit_blocks, 3u);  // {1, 2, 3} of the last; the third was absorbed up to its tail
}

TEST(Simulation, ValuesABlockByTheRecomputeTimeItSaves) {
  // At 35,000 tokens a block, blocks cost 1, 2 and 3.
  const SimulatedTrace trace = TraceOf({{1, 2, 3}, {1, 2, 4}}, 35'000);
  const auto cache = MakeInfiniteCache({.trace = &trace, .capacity_blocks = 1});

  const SimulationResult result = Simulate(trace, *cache, false);

  EXPECT_EQ(result.hit_blocks, 2u);
  EXPECT_DOUBLE_EQ(result.hit_ratio(), 2.0 / 6);
  EXPECT_DOUBLE_EQ(result.saved_recompute_ratio(), 3.0 / 12);
}

TEST(Simulation, CountsTheSecondHalfOnlyButServesTheFirst) {
  const SimulatedTrace trace = TraceOf({{1, 2}, {3}, {1, 2}, {4}});
  const auto cache = MakeInfiniteCache({.trace = &trace, .capacity_blocks = 1});

  const SimulationResult result = Simulate(trace, *cache, true);

  EXPECT_EQ(result.lookup_blocks, 3u);
  EXPECT_EQ(result.hit_blocks, 2u);
}

TEST(Capacity, IsAShareBlocksOrBytes) {
  const SimulatedTrace trace = TraceOf({{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}, 16);
  const std::pair<const char*, size_t> cases[] = {{"20%", 2},   {"24%", 2},  {"26%", 3},
                                                  {"100%", 10}, {"5", 5},    {"1000", 10},
                                                  {"64KiB", 4}, {"79KiB", 4}};
  for (const auto& [text, blocks] : cases) {
    const auto capacity = CapacityFor(ParseCapacity(text).value(), trace, 1024);

    ASSERT_TRUE(capacity.ok()) << capacity.status();
    EXPECT_EQ(capacity->blocks, blocks) << text;
  }
  EXPECT_DOUBLE_EQ(CapacityFor(ParseCapacity("20%").value(), trace, 1)->ratio, 0.2);
  EXPECT_DOUBLE_EQ(CapacityFor(ParseCapacity("5").value(), trace, 1)->ratio, 0.5);
  EXPECT_EQ(ParseCapacities("0.5%, 1%,20").value().size(), 3u);
}

TEST(Capacity, ABadOneIsNamed) {
  for (const char* text : {"", "x", "0", "0%", "101%", "-1%", "1e1%", "%", "nan%", "5 %", "10GB",
                           "1.5", "99999999999999999999"}) {
    const auto capacity = ParseCapacity(text);

    ASSERT_FALSE(capacity.ok()) << text;
    EXPECT_THAT(std::string(capacity.status().message()),
                HasSubstr(std::string("capacity '") + text + "'"));
  }
  const SimulatedTrace trace = TraceOf({{1, 2}});
  EXPECT_THAT(std::string(CapacityFor(ParseCapacity("1%").value(), trace, 1).status().message()),
              HasSubstr("capacity '1%': less than one block"));
  EXPECT_FALSE(ParseCapacities("1%,,2%").ok());
}

TEST(Capacity, ASweepIsEvenInItsLogarithmAndKeepsItsEnds) {
  const auto capacities = LogSpacedShares(0.001, 0.1, 3);

  ASSERT_TRUE(capacities.ok());
  ASSERT_EQ(capacities->size(), 3u);
  EXPECT_DOUBLE_EQ((*capacities)[0].share, 0.001);
  EXPECT_NEAR((*capacities)[1].share, 0.01, 1e-12);
  EXPECT_DOUBLE_EQ((*capacities)[2].share, 0.1);
  EXPECT_EQ((*capacities)[1].text, "1%");
  EXPECT_FALSE(LogSpacedShares(0, 0.1, 3).ok());
  EXPECT_FALSE(LogSpacedShares(0.2, 0.1, 3).ok());
  EXPECT_FALSE(LogSpacedShares(0.1, 1.1, 3).ok());
  EXPECT_FALSE(LogSpacedShares(0.1, 1, 1).ok());
  EXPECT_FALSE(LogSpacedShares(0.1, 1, 1001).ok());
}

}  // namespace
}  // namespace halflife::tools
