#include "server/admin/metrics_exporter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/server/node/promtool.h"
#include "tests/server/node/sample_facts.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string SamplePage() {
  return MetricsExporter([] { return SampleFacts(); }).Text();
}

TEST(MetricsExporter, TellsLookupsByCategoryTierAndReason) {
  const std::string page = SamplePage();

  EXPECT_THAT(
      page, HasSubstr("halflife_lookup_requests_total{category=\"chat\",outcome=\"partial\"} 3\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_lookup_blocks_total{category=\"chat\",tier=\"dram\"} 70\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lookup_blocks_total{category=\"chat\",tier=\"ssd\"} 20\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_lookup_blocks_total{category=\"chat\",tier=\"miss\"} 10\n"));
  EXPECT_THAT(
      page,
      HasSubstr("halflife_lookup_missed_blocks_total{category=\"chat\",reason=\"evicted\"} 2\n"));
}

TEST(MetricsExporter, GroupsPutOutcomesWithTheirReasons) {
  const std::string page = SamplePage();

  EXPECT_THAT(page,
              HasSubstr("halflife_put_blocks_total{category=\"chat\",result=\"stored\"} 40\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_put_blocks_total{category=\"chat\",result=\"duplicate\"} 4\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_put_blocks_total{category=\"chat\",result=\"rejected\"} 5\n"));
  EXPECT_THAT(
      page,
      HasSubstr("halflife_put_rejected_blocks_total{category=\"chat\",reason=\"no_room\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("halflife_put_conflicting_blocks_total{category=\"chat\"} 1\n"));
}

TEST(MetricsExporter, ConvertsHistogramsToSecondsWithCumulativeBuckets) {
  const std::string page = SamplePage();

  EXPECT_THAT(page,
              HasSubstr("halflife_block_lifetime_seconds_bucket{category=\"chat\",le=\"1\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_block_lifetime_seconds_bucket{category=\"chat\",le=\"30\"} 1\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_block_lifetime_seconds_bucket{category=\"chat\",le=\"60\"} 3\n"));
  EXPECT_THAT(
      page,
      HasSubstr("halflife_block_lifetime_seconds_bucket{category=\"chat\",le=\"86400\"} 3\n"));
  EXPECT_THAT(
      page, HasSubstr("halflife_block_lifetime_seconds_bucket{category=\"chat\",le=\"+Inf\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("halflife_block_lifetime_seconds_count{category=\"chat\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("halflife_block_lifetime_seconds_sum{category=\"chat\"} 200090.5\n"));
  EXPECT_THAT(page, HasSubstr("grpc_method=\"Lookup\",le=\"0.0001\"} 9\n"));
}

TEST(MetricsExporter, TellsRpcsByMethodAndCode) {
  const std::string page = SamplePage();

  EXPECT_THAT(page, HasSubstr("grpc_server_handled_total{grpc_service=\"halflife.v1.CacheService\","
                              "grpc_method=\"Lookup\",grpc_code=\"INVALID_ARGUMENT\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("grpc_method=\"Lookup\",grpc_code=\"ABORTED\"")))
      << "codes that never happened are no series";
}

TEST(MetricsExporter, EscapesLabelValues) {
  EXPECT_THAT(SamplePage(), HasSubstr("category=\"api \\\"x\\\" <b>\""));
}

TEST(MetricsExporter, ANodeWithoutAnSsdTierHasNoSsdSeries) {
  const MetricsExporter exporter([] {
    NodeFacts facts = SampleFacts();
    facts.store.has_ssd = false;
    return facts;
  });

  EXPECT_THAT(exporter.Text(), Not(HasSubstr("halflife_ssd_reads_total")));
  EXPECT_THAT(exporter.Text(), Not(HasSubstr("halflife_tier_capacity_bytes{tier=\"ssd\"}")));
}

TEST(MetricsExporter, ANodeThatHasSeenNothingHasAPageToo) {
  const MetricsExporter exporter([] {
    NodeFacts facts;
    facts.store.categories = {CategoryStats{}};
    return facts;
  });

  EXPECT_THAT(exporter.Text(),
              HasSubstr("halflife_lookup_requests_total{category=\"\",outcome=\"full\"} 0\n"));
}

TEST(MetricsExporter, PassesPromtool) {
  if (!HavePromtool()) GTEST_SKIP() << "no promtool: install the package prometheus";

  EXPECT_EQ(PromtoolComplaints(SamplePage()), "");
  EXPECT_NE(PromtoolComplaints("# TYPE hits counter\nhits 1\n"), "")
      << "promtool must be able to complain";
}

}  // namespace
}  // namespace halflife
