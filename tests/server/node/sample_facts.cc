#include "tests/server/node/sample_facts.h"

#include "storage/block_store.h"

namespace halflife {
namespace {

CategoryStats SampleCategory(const std::string& name) {
  CategoryStats c;
  c.name = name;
  c.lookups_full = 5;
  c.lookups_partial = 3;
  c.lookups_miss = 2;
  c.lookup_blocks_hit = {70, 20};
  c.lookup_blocks_missed[static_cast<size_t>(MissReason::kNeverSeen)] = 8;
  c.lookup_blocks_missed[static_cast<size_t>(MissReason::kEvicted)] = 2;
  c.get_blocks = {60, 15};
  c.get_bytes = {60 << 20, 15 << 20};
  c.lookup_tokens_hit = {70 * 16, 20 * 16};
  c.lookup_tokens_missed = 10 * 16;
  c.put_blocks = {40, 3, 1, 2, 1, 1, 1};
  c.put_bytes = 40 << 20;
  c.resident_blocks = {30, 25};
  c.evicted_blocks[0][static_cast<size_t>(EvictReason::kCapacity)] = 11;
  c.evicted_bytes[0][static_cast<size_t>(EvictReason::kCapacity)] = 11 << 20;
  c.evicted_unused_blocks = {4, 0};
  c.admission_refused_blocks = {0, 3, 1};
  CountHistogram counts;
  for (const uint64_t value : {0, 1, 16}) counts.Record(value);
  c.matched_blocks = c.reuses = counts.snapshot();
  Histogram milliseconds;
  milliseconds.Record(500);          // below 1 s
  milliseconds.Record(45'000, 2);    // between 30 s and 60 s
  milliseconds.Record(200'000'000);  // above a day
  c.lifespan_ms = c.reuse_gap_ms = c.idle_before_evict_ms = c.evict_reuse_gap_ms =
      milliseconds.snapshot();
  return c;
}

std::shared_ptr<const ResidencyReport> SampleReport() {
  auto report = std::make_shared<ResidencyReport>();
  report->made_ns = 1;
  report->model.has_model = true;
  report->model.state = ModelState::kServing;
  report->model.observed_reuses = 1234;
  report->model.fit_age_s = 12;
  for (Category number = 0; number < 2; ++number) {
    CategoryReport category;
    category.category = number;
    category.state = ModelState::kServing;
    category.requests = 50 + 50.0 * number;
    category.reuse.reuse_probability = 0.375;
    category.reuse.half_life_s = 90;
    category.reuse.fit_distance = 0.03;
    category.reuse.uses_exponential = true;
    category.reuse.exponential = {0.375, 0.0077};
    category.multiplier = 2;
    report->model.categories.push_back(category);
  }
  report->model.duels[0] = {.fights = true,
                            .model_leads = true,
                            .model_hit_ratio = 0.3,
                            .recency_hit_ratio = 0.25,
                            .switches = 4};
  ShadowReport& shadow = report->model.shadows.emplace_back();
  shadow.name = "margin 2";
  shadow.recent_shadow_hit_ratio = 0.31;
  report->prices[0] = {.known = true, .index = 0.5, .lowest_index = 0.1, .highest_index = 3};
  report->ceilings = {.window_s = 600,
                      .lookup_blocks = 5000,
                      .hit_blocks = 1500,
                      .sampled_blocks = 1250,
                      .sample_rate = 0.25,
                      .hit_ratio = 0.3,
                      .infinite_hit_ratio = 0.8,
                      .optimal_hit_ratio = 0.5,
                      .capacity_blocks = 777,
                      .lost_to_compulsory_ratio = 0.2,
                      .lost_to_capacity_ratio = 0.25,
                      .lost_to_policy_ratio = 0.24,
                      .lost_otherwise_ratio = 0.01};
  return report;
}

}  // namespace

AdmissionStats SampleWriteBudget() {
  return {.budget_bytes_per_day = uint64_t{1} << 40,
          .budget_used_ratio = 0.6,
          .available_bytes = 300 << 20,
          .minute_bytes = 428 << 20,
          .day_bytes = uint64_t{5} << 30,
          .admitted_blocks = 1234,
          .refused_blocks = 567,
          .score_threshold = 2.5,
          .write_amplification = 1.25};
}

NodeFacts SampleFacts() {
  NodeFacts facts;
  facts.build = ThisBuild();
  facts.state = NodeState::kServing;
  facts.uptime_s = 3723;
  facts.process = {.cpu_seconds = 1.5,
                   .resident_bytes = uint64_t{1} << 30,
                   .virtual_bytes = uint64_t{1} << 33,
                   .open_fds = 42,
                   .max_fds = 1024,
                   .start_time_s = 1.7e9};
  facts.store.has_ssd = true;
  facts.store.dram.budget_bytes = uint64_t{1} << 30;
  facts.store.dram.allocated_bytes = uint64_t{1} << 29;
  facts.store.ssd.quota_bytes = uint64_t{10} << 30;
  facts.store.ssd.used_bytes = uint64_t{1} << 30;
  facts.store.ssd.reads_ok = 75;
  facts.store.ssd.reads_corrupt = 1;
  facts.store.ssd.partitions_serving = 8;
  facts.store.resident_blocks = {60, 50};
  facts.store.resident_bytes = {60 << 20, 50 << 20};
  facts.residency = SampleReport();
  facts.store.evicted_blocks[0][static_cast<size_t>(EvictReason::kCapacity)] = 11;
  facts.store.demoted_blocks = 9;
  facts.store.leases = 4;
  facts.store.shared_leases = 3;
  facts.store.shared_leased_bytes = 48 << 20;
  facts.shm.offered = true;
  facts.shm.sessions = 2;
  facts.shm.staging_bytes = 16 << 20;
  facts.shm.refused_peers = 5;
  facts.shm.refused_full = 6;
  facts.shm.leased_blocks = 700;
  facts.shm.stored_blocks = 800;
  facts.store.categories = {SampleCategory("chat"), SampleCategory("api \"x\" <b>")};
  for (const CategoryStats& category : facts.store.categories) {
    facts.store.models.push_back({"llama", category.name, category});
  }
  Histogram microseconds;
  microseconds.Record(80'000, 3);
  facts.store.ssd.durations.read_ns = facts.store.ssd.durations.write_ns =
      facts.store.ssd.durations.erase_ns = facts.store.ssd.durations.commit_ns =
          microseconds.snapshot();
  facts.store.ssd.queue_depth = 2;
  facts.store.ssd.database.stall_ns = 1'500'000'000;
  facts.store.ssd.database.level_files = {4, 1};
  facts.ssd_directory = "/data";
  RpcMethodStats& lookup = facts.rpc.methods[static_cast<size_t>(RpcMethod::kLookup)];
  lookup.started = 10;
  lookup.handled[0] = 9;
  lookup.handled[3] = 1;
  Histogram nanoseconds;
  nanoseconds.Record(80'000, 9);  // between 50 and 100 us
  nanoseconds.Record(2'000'000'000);
  lookup.latency_ns = nanoseconds.snapshot();
  facts.dropped_log_lines = 7;
  facts.policy = "lru";
  facts.config_yaml = "log:\n  level: info  # default\n";
  facts.last_reload_time_s = 1.7e9;
  return facts;
}

}  // namespace halflife
