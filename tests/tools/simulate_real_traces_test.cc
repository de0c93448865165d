#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tools/simulate/front_cache.h"
#include "tools/simulate/simulation_grid.h"
#include "tools/trace/trace_reader.h"

namespace halflife::tools {
namespace {

// Tests run in the root of the repository; the traces are not part of it.
constexpr char kMooncake[] = "../shared/traces/mooncake_conversation.jsonl";
constexpr char kAgents[] = "../shared/traces/agents.ct.gz";

// Hit ratios that another simulator, written before this one and independently, found for the same
// policies. kOther: it found something else, by more than the tolerance; docs/simulate.md says
// what.
constexpr double kOther = std::numeric_limits<double>::quiet_NaN();
struct Expected {
  const char* policy;
  double tolerance;
  std::vector<double> hit_ratios;
};

SimulatedTrace Load(const char* path) {
  auto reader = TraceReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  return LoadSimulatedTrace(**reader).value();
}

void ExpectHitRatios(const SimulatedTrace& trace, std::string_view capacities,
                     const std::vector<Expected>& rows) {
  GridOptions options;
  const std::vector<Capacity> parsed = ParseCapacities(capacities).value();
  for (const Capacity& capacity : parsed) {
    options.capacities.push_back(CapacityFor(capacity, trace, 1).value());
  }
  for (const Expected& row : rows) options.policies.push_back(FindPolicy(row.policy).value());
  options.jobs = 2;

  const std::vector<GridCell> cells = RunGrid(trace, options);

  for (size_t i = 0; i < cells.size(); ++i) {
    const Expected& row = rows[i / options.capacities.size()];
    const double expected = row.hit_ratios[i % options.capacities.size()];
    if (std::isnan(expected)) continue;
    EXPECT_NEAR(cells[i].result.hit_ratio(), expected, row.tolerance)
        << row.policy << " at " << cells[i].capacity.text;
  }
}

TEST(SimulatedRealTraces, MooncakeConversationGivesTheKnownHitRatios) {
  if (access(kMooncake, R_OK) != 0) GTEST_SKIP() << kMooncake << " is not there: skipped";
  const SimulatedTrace trace = Load(kMooncake);
  ASSERT_EQ(trace.references.size(), 276491u);
  ASSERT_EQ(trace.requests.size(), 12031u);

  ExpectHitRatios(trace, "1%,2%,5%,10%,20%",
                  {{"lru", .001, {.054, .080, .202, .288, .359}},
                   {"lfu", .001, {kOther, kOther, .129, kOther, kOther}},
                   {"s3-fifo", .001, {.078, .109, .192, .252, .339}},
                   {"arc", .0015, {.067, .092, .216, .295, .333}},
                   {"lirs", .01, {kOther, kOther, .207, .242, .262}},
                   {"w-tinylfu", .0015, {.087, .121, .169, .208, .249}},
                   {"optimum", .001, {.250, .321, .382, .382, .382}},
                   {"infinite", .001, {.382, .382, .382, .382, .382}}});
}

TEST(SimulatedRealTraces, CodingAgentsGiveTheKnownHitRatios) {
  if (access(kAgents, R_OK) != 0) GTEST_SKIP() << kAgents << " is not there: skipped";
  const SimulatedTrace trace = Load(kAgents);
  ASSERT_EQ(trace.references.size(), 4587344u);
  ASSERT_EQ(trace.requests.size(), 19717u);
  ASSERT_EQ(trace.block_count(), 164231u);

  ExpectHitRatios(trace, "0.5%,1%,2%,5%,10%,20%",
                  {{"lru", .001, {.035, .107, .332, .791, .924, .955}},
                   {"s3-fifo", .01, {kOther, kOther, kOther, .736, .899, .948}},
                   {"arc", .01, {kOther, kOther, kOther, .777, .914, .954}},
                   {"lirs", .02, {kOther, kOther, kOther, .773, .893, .935}},
                   {"w-tinylfu", .01, {.133, .245, .420, .660, kOther, kOther}},
                   {"optimum", .001, {.277, .451, .667, .890, .952, .964}},
                   {"infinite", .001, {.964, .964, .964, .964, .964, .964}}});
}

TEST(SimulatedRealTraces, AFrontCacheTakesTheShortestGaps) {
  if (access(kMooncake, R_OK) != 0) GTEST_SKIP() << kMooncake << " is not there: skipped";
  const SimulatedTrace trace = Load(kMooncake);
  const size_t front = trace.block_count() / 50;

  const SimulatedTrace rest = WithFrontCache(trace, front);

  uint64_t absorbed = trace.references.size() - rest.references.size();
  for (const auto& request : rest.requests) absorbed += request.absorbed;
  // Exactly what an LRU cache of that size hits: 8.0 %.
  EXPECT_NEAR(static_cast<double>(absorbed) / static_cast<double>(trace.references.size()), .080,
              .001);
}

}  // namespace
}  // namespace halflife::tools
