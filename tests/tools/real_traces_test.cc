#include <gtest/gtest.h>
#include <unistd.h>

#include "tools/trace/trace_reader.h"
#include "tools/trace/trace_summary.h"

namespace halflife::tools {
namespace {

// Tests run in the root of the repository; the traces are not part of it.
constexpr char kMooncake[] = "../shared/traces/mooncake_conversation.jsonl";
constexpr char kAgents[] = "../shared/traces/agents.ct.gz";

TraceSummary Summarise(const char* path) {
  TraceSummary summary;
  auto reader = TraceReader::Open(path);
  EXPECT_TRUE(reader.ok()) << reader.status();
  Request request;
  for (;;) {
    const auto any = (*reader)->Next(request);
    EXPECT_TRUE(any.ok()) << any.status();
    if (!any.ok() || !*any) return summary;
    summary.Add(request);
  }
}

double IdealHitRatio(const TraceSummary& summary) {
  return static_cast<double>(summary.ideal_hit_blocks()) / static_cast<double>(summary.blocks());
}

TEST(RealTraces, MooncakeConversationIsAsPublished) {
  if (access(kMooncake, R_OK) != 0) GTEST_SKIP() << kMooncake << " is not there: skipped";

  const TraceSummary summary = Summarise(kMooncake);

  EXPECT_EQ(summary.requests(), 12031u);
  EXPECT_EQ(summary.blocks(), 276491u);  // full blocks
  EXPECT_NEAR(IdealHitRatio(summary), 0.382, 0.0005);
  // Derived sessions: a request either starts one or continues one.
  EXPECT_GT(summary.sessions(), 6000u);
  EXPECT_LT(summary.sessions(), 8000u);
}

TEST(RealTraces, CodingAgentsAreAsMeasured) {
  if (access(kAgents, R_OK) != 0) GTEST_SKIP() << kAgents << " is not there: skipped";

  const TraceSummary summary = Summarise(kAgents);

  EXPECT_EQ(summary.requests(), 19717u);
  EXPECT_EQ(summary.sessions(), 387u);
  EXPECT_EQ(summary.blocks(), 4587344u);
  EXPECT_NEAR(IdealHitRatio(summary), 0.964, 0.0005);
}

}  // namespace
}  // namespace halflife::tools
