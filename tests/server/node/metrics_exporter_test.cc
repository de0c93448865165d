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

  EXPECT_THAT(page, HasSubstr("halflife_lookup_requests_total{model_name=\"llama\",category="
                              "\"chat\",outcome=\"partial\"} 3\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lookup_blocks_total{model_name=\"llama\",category=\"chat\","
                              "tier=\"dram\"} 70\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lookup_blocks_total{model_name=\"llama\",category=\"chat\","
                              "tier=\"ssd\"} 20\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lookup_blocks_total{model_name=\"llama\",category=\"chat\","
                              "tier=\"miss\"} 10\n"));
  EXPECT_THAT(page, HasSubstr("halflife_lookup_missed_blocks_total{model_name=\"llama\",category="
                              "\"chat\",reason=\"evicted\"} 2\n"));
}

TEST(MetricsExporter, GroupsPutOutcomesWithTheirReasons) {
  const std::string page = SamplePage();

  EXPECT_THAT(page, HasSubstr("halflife_put_blocks_total{model_name=\"llama\",category=\"chat\","
                              "result=\"stored\"} 40\n"));
  EXPECT_THAT(page, HasSubstr("halflife_put_blocks_total{model_name=\"llama\",category=\"chat\","
                              "result=\"duplicate\"} 4\n"));
  EXPECT_THAT(page, HasSubstr("halflife_put_blocks_total{model_name=\"llama\",category=\"chat\","
                              "result=\"rejected\"} 5\n"));
  EXPECT_THAT(
      page,
      HasSubstr("halflife_put_rejected_blocks_total{category=\"chat\",reason=\"no_room\"} 2\n"));
  EXPECT_THAT(
      page,
      HasSubstr("halflife_put_rejected_blocks_total{category=\"chat\",reason=\"over_quota\"} 1\n"));
  EXPECT_THAT(page, HasSubstr("halflife_put_conflicting_blocks_total{category=\"chat\"} 1\n"));
}

TEST(MetricsExporter, ShowsWhatNamespacesHoldOfTheirLimits) {
  NodeFacts facts = SampleFacts();
  EXPECT_THAT(MetricsExporter([&] { return facts; }).Text(),
              Not(HasSubstr("halflife_namespace_limit")));
  facts.store.namespace_limits = {
      {.name = "gold", .used_bytes = 300, .min_bytes = 100, .max_bytes = 0},
      {.name = "batch", .used_bytes = 5, .min_bytes = 0, .max_bytes = 20}};

  const std::string page = MetricsExporter([&] { return facts; }).Text();

  EXPECT_THAT(page, HasSubstr("halflife_namespace_limit_used_bytes{limit=\"gold\"} 300\n"));
  EXPECT_THAT(page, HasSubstr("halflife_namespace_limit_min_bytes{limit=\"gold\"} 100\n"));
  EXPECT_THAT(page, HasSubstr("halflife_namespace_limit_max_bytes{limit=\"batch\"} 20\n"));
  EXPECT_THAT(page, Not(HasSubstr("halflife_namespace_limit_max_bytes{limit=\"gold\"}")));
}

TEST(MetricsExporter, TellsWhatIsUsedOfTheWriteBudgetWhereThereIsOne) {
  EXPECT_THAT(SamplePage(), Not(HasSubstr("halflife_ssd_write_budget")));
  const MetricsExporter exporter([] {
    NodeFacts facts = SampleFacts();
    facts.store.admission = SampleWriteBudget();
    return facts;
  });

  const std::string page = exporter.Text();

  EXPECT_THAT(page, HasSubstr("halflife_ssd_write_budget_used_ratio 0.6\n"));
  EXPECT_THAT(page, HasSubstr("halflife_ssd_write_budget_available_bytes 314572800\n"));
  EXPECT_THAT(page,
              HasSubstr("halflife_ssd_write_budget_used_bytes{window=\"minute\"} 448790528\n"));
  EXPECT_THAT(page, HasSubstr("halflife_ssd_write_budget_used_bytes{window=\"day\"} 5368709120\n"));
  EXPECT_THAT(page, HasSubstr("halflife_ssd_write_amplification_ratio 1.25\n"));
  if (HavePromtool()) {
    EXPECT_EQ(PromtoolComplaints(page), "");
  }
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

TEST(MetricsExporter, TellsWhatTheModelKnowsAndWhatCouldHaveBeenHit) {
  const std::string page = SamplePage();

  for (const char* line :
       {"halflife_policy_model_state{state=\"serving\"} 1\n",
        "halflife_policy_model_state{state=\"stale\"} 0\n",
        "halflife_policy_model_parameter{category=\"chat\",parameter=\"reuse_probability\"} "
        "0.375\n",
        "halflife_policy_model_parameter{category=\"chat\",parameter=\"half_life_seconds\"} 90\n",
        "halflife_policy_model_samples{category=\"chat\"} 50\n",
        "halflife_policy_model_fit_distance_ratio{category=\"chat\"} 0.03\n",
        "halflife_policy_model_leads{tier=\"dram\"} 1\n",
        "halflife_policy_switches_total{tier=\"dram\"} 4\n",
        "halflife_shadow_hit_ratio{policy=\"recency\",tier=\"dram\"} 0.25\n",
        "halflife_candidate_hit_ratio{candidate=\"margin 2\"} 0.31\n",
        "halflife_tier_price_hits_per_second{tier=\"dram\"} 512\n",
        "halflife_infinite_hit_ratio 0.8\n", "halflife_optimal_hit_ratio 0.5\n",
        "halflife_lost_hit_ratio{cause=\"policy\"} 0.24\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsExporter, TellsTokensAndBytesByTier) {
  const std::string page = SamplePage();

  for (const char* line :
       {"halflife_lookup_tokens_total{model_name=\"llama\",category=\"chat\",tier=\"dram\"} 1120\n",
        "halflife_lookup_tokens_total{model_name=\"llama\",category=\"chat\",tier=\"miss\"} 160\n",
        "halflife_get_bytes_total{tier=\"dram\"} 125829120\n",
        "halflife_get_bytes_total{tier=\"ssd\"} 31457280\n",
        "halflife_put_bytes_total{tier=\"dram\"} 83886080\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsExporter, TellsWhatWasEvictedAndRefusedByCategory) {
  const std::string page = SamplePage();

  for (const char* line :
       {"halflife_evicted_blocks_total{category=\"chat\",tier=\"dram\",reason=\"capacity\"} 11\n",
        "halflife_evicted_blocks_total{category=\"chat\",tier=\"ssd\",reason=\"invalidated\"} 0\n",
        "halflife_evicted_bytes_total{category=\"chat\",tier=\"dram\",reason=\"capacity\"} "
        "11534336\n",
        "halflife_evicted_unused_blocks_total{category=\"chat\",tier=\"dram\"} 4\n",
        "halflife_admission_rejected_blocks_total{category=\"chat\",reason=\"quota\"} 3\n",
        "halflife_block_evict_reuse_gap_seconds_count{category=\"chat\"} 4\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsExporter, CountsHaveBucketsThatEndAtPowersOfTwo) {
  const std::string page = SamplePage();

  for (const char* name : {"halflife_lookup_matched_blocks", "halflife_block_reuses"}) {
    const std::string chat = std::string(name) + "_bucket{category=\"chat\",le=";
    EXPECT_THAT(page, HasSubstr(chat + "\"0\"} 1\n"));
    EXPECT_THAT(page, HasSubstr(chat + "\"8\"} 2\n"));
    EXPECT_THAT(page, HasSubstr(chat + "\"16\"} 3\n"));
    EXPECT_THAT(page, HasSubstr(chat + "\"+Inf\"} 3\n"));
    EXPECT_THAT(page, HasSubstr(std::string(name) + "_sum{category=\"chat\"} 17\n"));
  }
}

TEST(MetricsExporter, TellsHowTheSsdTierIs) {
  const std::string page = SamplePage();

  for (const char* line :
       {"halflife_ssd_read_duration_seconds_bucket{le=\"0.0001\"} 3\n",
        "halflife_ssd_write_duration_seconds_count 3\n", "halflife_ssd_queue_depth 2\n",
        "halflife_rocksdb_write_stall_seconds_total 1.5\n",
        "halflife_rocksdb_level_files{level=\"0\"} 4\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsExporter, TellsWhoUsesSharedMemory) {
  const std::string page = SamplePage();

  for (const char* line :
       {"halflife_shm_offered 1\n", "halflife_shm_sessions 2\n",
        "halflife_shm_staging_bytes 16777216\n", "halflife_shm_leases 3\n",
        "halflife_shm_leased_bytes 50331648\n",
        "halflife_shm_refused_sessions_total{reason=\"peer\"} 5\n",
        "halflife_shm_refused_sessions_total{reason=\"limit\"} 6\n",
        "halflife_shm_leased_blocks_total 700\n", "halflife_shm_stored_blocks_total 800\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
}

TEST(MetricsExporter, APageOfAStartingNodeTellsOnlyWhatIsKnown) {
  const MetricsExporter exporter([] {
    NodeFacts facts = SampleFacts();
    facts.state = NodeState::kStarting;
    facts.opened = false;
    return facts;
  });

  EXPECT_THAT(exporter.Text(), HasSubstr("halflife_ready 0\n"));
  EXPECT_THAT(exporter.Text(), HasSubstr("process_open_fds 42\n"));
  EXPECT_THAT(exporter.Text(), Not(HasSubstr("halflife_tier_used_bytes")))
      << "a gauge of 0 would be a lie";
  if (HavePromtool()) {
    EXPECT_EQ(PromtoolComplaints(exporter.Text()), "");
  }
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
              HasSubstr("halflife_category_blocks{category=\"other\",tier=\"dram\"} 0\n"));
  if (HavePromtool()) {
    EXPECT_EQ(PromtoolComplaints(exporter.Text()), "");
  }
}

TEST(MetricsExporter, PassesPromtool) {
  if (!HavePromtool()) GTEST_SKIP() << "no promtool: install the package prometheus";

  EXPECT_EQ(PromtoolComplaints(SamplePage()), "");
  EXPECT_NE(PromtoolComplaints("# TYPE hits counter\nhits 1\n"), "")
      << "promtool must be able to complain";
}

}  // namespace
}  // namespace halflife
