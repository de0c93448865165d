#include "server/admin/metrics_exporter.h"

#include <array>

#include <prometheus/text_serializer.h>

#include "server/admin/limit_metrics.h"
#include "server/admin/metric_page.h"
#include "server/admin/metric_words.h"
#include "server/admin/residency_metrics.h"
#include "server/admin/shm_metrics.h"
#include "storage/block_store.h"

namespace halflife {
namespace {

// ecosystem: what people look at in a cache's life, 1 s to a day.
constexpr double kLifeBoundsSeconds[] = {1,   5,    10,   30,   60,    120,   300,
                                         600, 1800, 3600, 7200, 21600, 43200, 86400};
constexpr double kRpcBoundsSeconds[] = {50e-6, 100e-6, 250e-6, 500e-6, 1e-3,   2.5e-3, 5e-3,
                                        10e-3, 25e-3,  50e-3,  100e-3, 250e-3, 1};
constexpr double kMillisPerSecond = 1e3;
constexpr double kNanosPerSecond = 1e9;

uint64_t Of(const std::array<uint64_t, 8>& counts, PutOutcome outcome) {
  return counts[static_cast<size_t>(outcome)];
}

void AddBuildAndConfig(const NodeFacts& facts, MetricPage& page) {
  page.Gauge("halflife_build_info", "Always 1; the labels tell what this binary is.")
      .Add(1, {{"version", facts.build.version},
               {"revision", facts.build.revision},
               {"compiler", facts.build.compiler}});
  page.Gauge("halflife_config_info",
             "Always 1; the labels tell settings that change the meaning of other metrics.")
      .Add(1, {{"policy", facts.policy}, {"route", "chain"}});
  page.Gauge("halflife_config_last_reload_successful",
             "1 if the last reload of the configuration was applied.")
      .Add(facts.last_reload_ok ? 1 : 0);
  page.Gauge("halflife_config_last_reload_success_timestamp_seconds",
             "Unix time at which a configuration was last applied.")
      .Add(facts.last_reload_time_s);
  page.Gauge("halflife_insecure", "1 if addresses other than loopback are allowed without TLS.")
      .Add(facts.insecure_listen ? 1 : 0);
  page.Gauge("halflife_ready", "1 while the daemon takes new work.")
      .Add(facts.state == NodeState::kServing ? 1 : 0);
}

void AddProcess(const NodeFacts& facts, MetricPage& page) {
  const ProcessFacts& process = facts.process;
  page.Counter("process_cpu_seconds_total", "User and system CPU time.").Add(process.cpu_seconds);
  page.Gauge("process_resident_memory_bytes", "Resident memory, the block arena included.")
      .Add(D(process.resident_bytes));
  page.Gauge("process_virtual_memory_bytes", "Address space.").Add(D(process.virtual_bytes));
  page.Gauge("process_open_fds", "Open file descriptors.").Add(D(process.open_fds));
  page.Gauge("process_max_fds", "Limit of open file descriptors.").Add(D(process.max_fds));
  page.Gauge("process_start_time_seconds", "Unix time at which the process started.")
      .Add(process.start_time_s);
  page.Counter("halflife_log_dropped_lines_total",
               "Log lines lost because their reader was too slow.")
      .Add(D(facts.dropped_log_lines));
}

void AddRpcCalls(const RpcStats& rpc, MetricPage& page) {
  const auto labels = [](int method) {
    return MetricPage::Labels{
        {"grpc_service", "halflife.v1.CacheService"},
        {"grpc_method", std::string(RpcMethodName(static_cast<RpcMethod>(method)))}};
  };
  page.Counter("grpc_server_started_total", "RPCs that began.");
  for (int m = 0; m < kRpcMethodCount; ++m) page.Add(D(rpc.methods[m].started), labels(m));
  page.Counter("grpc_server_handled_total", "RPCs that ended, by status code.");
  for (int m = 0; m < kRpcMethodCount; ++m) {
    for (int code = 0; code < kRpcCodeCount; ++code) {
      // OK always, so that a ratio has a denominator from the start; the others once they happened.
      if (code != 0 && rpc.methods[m].handled[code] == 0) continue;
      MetricPage::Labels with_code = labels(m);
      with_code.emplace_back("grpc_code", RpcCodeName(code));
      page.Add(D(rpc.methods[m].handled[code]), with_code);
    }
  }
  page.Histograms("grpc_server_handling_seconds",
                  "Time from the first byte of an RPC to its status.");
  for (int m = 0; m < kRpcMethodCount; ++m) {
    page.Add(rpc.methods[m].latency_ns, kNanosPerSecond, kRpcBoundsSeconds, labels(m));
  }
}

void AddRpcServer(const RpcStats& rpc, MetricPage& page) {
  page.Gauge("halflife_rpc_inflight_bytes", "Block bytes reserved by open calls.")
      .Add(D(rpc.inflight_get_bytes), {{"direction", "get"}})
      .Add(D(rpc.inflight_put_bytes), {{"direction", "put"}});
  page.Gauge("halflife_rpc_frame_bytes", "Block bytes that send buffers refer to.")
      .Add(D(rpc.frame_bytes));
  page.Counter("halflife_rpc_refused_total",
               "Calls refused before any work was done, by what was short.")
      .Add(D(rpc.refused_get_bytes), {{"reason", "get_bytes"}})
      .Add(D(rpc.refused_put_bytes), {{"reason", "put_bytes"}})
      .Add(D(rpc.refused_io_queue), {{"reason", "io_queue"}})
      .Add(D(rpc.refused_draining), {{"reason", "draining"}});
  page.Counter("halflife_rpc_stalled_streams_total",
               "Streams cut because their peer made no progress.")
      .Add(D(rpc.stalled_streams));
  page.Counter("halflife_rpc_expired_calls_total", "Calls ended by the server's own deadline.")
      .Add(D(rpc.expired_calls));
  page.Counter("halflife_rpc_slow_puts_total",
               "Puts cut because their peer sent below the minimum rate.")
      .Add(D(rpc.slow_puts));
  page.Counter("halflife_rpc_unwanted_put_bytes_total",
               "Payload received for blocks that were not wanted.")
      .Add(D(rpc.swallowed_put_bytes));
  page.Gauge("halflife_connections", "Open client connections.").Add(D(rpc.connections_open));
  page.Counter("halflife_connections_accepted_total", "Client connections accepted.")
      .Add(D(rpc.connections_accepted));
  page.Counter("halflife_connections_refused_total", "Client connections refused, by reason.")
      .Add(D(rpc.connections_refused), {{"reason", "limit"}})
      .Add(D(rpc.peers_refused), {{"reason", "peer"}});
}

MetricPage::Labels With(MetricPage::Labels labels, const char* name, std::string value) {
  labels.emplace_back(name, std::move(value));
  return labels;
}

MetricPage::Labels LabelsOf(const ModelStats& model) {
  return {{"model_name", model.model_name}, {"category", model.category}};
}

// One sample per tier and one for the misses: their sum is everything that was asked for.
void AddByTier(const MetricPage::Labels& labels, const std::array<uint64_t, kTierCount>& hit,
               uint64_t missed, MetricPage& page) {
  for (int t = 0; t < kTierCount; ++t) page.Add(D(hit[t]), With(labels, "tier", kTierNames[t]));
  page.Add(D(missed), With(labels, "tier", "miss"));
}

void AddLookups(const StoreStats& store, MetricPage& page) {
  page.Counter("halflife_lookup_requests_total", "Lookups by how much of the chain was resident.");
  for (const ModelStats& m : store.models) {
    page.Add(D(m.requests.lookups_full), With(LabelsOf(m), "outcome", "full"));
    page.Add(D(m.requests.lookups_partial), With(LabelsOf(m), "outcome", "partial"));
    page.Add(D(m.requests.lookups_miss), With(LabelsOf(m), "outcome", "miss"));
  }
  page.Counter("halflife_lookup_blocks_total",
               "Blocks asked for by Lookups, by the tier they were in; the sum over the tiers is "
               "all of them.");
  for (const ModelStats& m : store.models) {
    uint64_t missed = 0;
    for (const uint64_t count : m.requests.lookup_blocks_missed) missed += count;
    AddByTier(LabelsOf(m), m.requests.lookup_blocks_hit, missed, page);
  }
  page.Counter("halflife_lookup_tokens_total",
               "Tokens of the blocks asked for by Lookups, by the tier they were in.");
  for (const ModelStats& m : store.models) {
    AddByTier(LabelsOf(m), m.requests.lookup_tokens_hit, m.requests.lookup_tokens_missed, page);
  }
  page.Counter("halflife_lookup_missed_blocks_total",
               "Blocks asked for by Lookups and not resident, by reason.");
  for (const ModelStats& m : store.models) {
    for (int r = 1; r < kMissReasonCount; ++r) {
      page.Add(
          D(m.requests.lookup_blocks_missed[r]),
          With(LabelsOf(m), "reason", std::string(MissReasonName(static_cast<MissReason>(r)))));
    }
  }
  page.Histograms("halflife_lookup_matched_blocks",
                  "Leading blocks of a Lookup that were resident.");
  for (const CategoryStats& c : store.categories)
    page.Add(c.matched_blocks, {{"category", c.name}});
}

void AddGets(const StoreStats& store, MetricPage& page) {
  std::array<uint64_t, kTierCount> bytes{};
  page.Counter("halflife_get_blocks_total",
               "Blocks sent by Gets, by the tier their bytes came from.");
  for (const CategoryStats& c : store.categories) {
    for (int t = 0; t < kTierCount; ++t) {
      page.Add(D(c.get_blocks[t]), {{"category", c.name}, {"tier", kTierNames[t]}});
      bytes[t] += c.get_bytes[t];
    }
  }
  page.Counter("halflife_get_bytes_total",
               "Payload bytes sent by Gets, by the tier they came from.");
  for (int t = 0; t < kTierCount; ++t) page.Add(D(bytes[t]), {{"tier", kTierNames[t]}});
}

void AddPuts(const StoreStats& store, MetricPage& page) {
  page.Counter("halflife_put_blocks_total", "Blocks offered by Puts, by what became of them.");
  for (const ModelStats& m : store.models) {
    const auto& puts = m.requests.put_blocks;
    const uint64_t duplicates =
        Of(puts, PutOutcome::kDuplicate) + Of(puts, PutOutcome::kDuplicateOtherBytes);
    const uint64_t rejected =
        Of(puts, PutOutcome::kRefusedNoRoom) + Of(puts, PutOutcome::kRefusedNotAdmitted) +
        Of(puts, PutOutcome::kRefusedChecksum) + Of(puts, PutOutcome::kRefusedOverQuota);
    page.Add(D(Of(puts, PutOutcome::kStored)), With(LabelsOf(m), "result", "stored"));
    page.Add(D(duplicates), With(LabelsOf(m), "result", "duplicate"));
    page.Add(D(rejected), With(LabelsOf(m), "result", "rejected"));
  }
  page.Counter("halflife_put_rejected_blocks_total",
               "Blocks that Puts offered and that were refused, by reason.");
  constexpr std::pair<PutOutcome, const char*> kReasons[] = {
      {PutOutcome::kRefusedNoRoom, "no_room"},
      {PutOutcome::kRefusedNotAdmitted, "not_admitted"},
      {PutOutcome::kRefusedChecksum, "checksum"},
      {PutOutcome::kRefusedOverQuota, "over_quota"}};
  for (const CategoryStats& c : store.categories) {
    for (const auto& [outcome, reason] : kReasons) {
      page.Add(D(Of(c.put_blocks, outcome)), {{"category", c.name}, {"reason", reason}});
    }
  }
  uint64_t bytes = 0;
  page.Counter("halflife_put_conflicting_blocks_total",
               "Blocks offered under a key that is taken by other bytes; the first ones stay.");
  for (const CategoryStats& c : store.categories) {
    page.Add(D(Of(c.put_blocks, PutOutcome::kDuplicateOtherBytes)), {{"category", c.name}});
    bytes += c.put_bytes;
  }
  page.Counter("halflife_put_bytes_total",
               "Payload bytes stored by Puts, by the tier they went to.")
      .Add(D(bytes), {{"tier", kTierNames[0]}});
}

void AddTiers(const StoreStats& store, MetricPage& page) {
  const int tiers = store.has_ssd ? 2 : 1;
  const uint64_t capacity[kTierCount] = {store.dram.budget_bytes, store.ssd.quota_bytes};
  const uint64_t used[kTierCount] = {store.dram.allocated_bytes, store.ssd.used_bytes};
  page.Gauge("halflife_tier_capacity_bytes", "Limit of a tier.");
  for (int t = 0; t < tiers; ++t) page.Add(D(capacity[t]), {{"tier", kTierNames[t]}});
  page.Gauge("halflife_tier_used_bytes", "Bytes a tier takes, overhead included.");
  for (int t = 0; t < tiers; ++t) page.Add(D(used[t]), {{"tier", kTierNames[t]}});
  page.Gauge("halflife_tier_payload_bytes", "Payload bytes resident in a tier.");
  for (int t = 0; t < tiers; ++t) page.Add(D(store.resident_bytes[t]), {{"tier", kTierNames[t]}});
  page.Gauge("halflife_tier_blocks", "Blocks resident in a tier; a block in both counts in both.");
  for (int t = 0; t < tiers; ++t) page.Add(D(store.resident_blocks[t]), {{"tier", kTierNames[t]}});
  page.Gauge("halflife_category_blocks", "Resident blocks of a category.");
  for (const CategoryStats& c : store.categories) {
    for (int t = 0; t < tiers; ++t) {
      page.Add(D(c.resident_blocks[t]), {{"category", c.name}, {"tier", kTierNames[t]}});
    }
  }
  page.Gauge("halflife_dram_slab_bytes", "Memory that size classes hold, free slots included.")
      .Add(D(store.dram.slab_bytes));
  page.Counter("halflife_dram_populated_bytes_total",
               "Memory taken from the system in the background, before a Put needed it.")
      .Add(D(store.populated_bytes));
  page.Counter(
          "halflife_dram_gathered_bytes_total",
          "Bytes of DRAM in use that the background went through to move them into huge pages.")
      .Add(D(store.gathered_bytes));
  page.Counter("halflife_dram_refused_allocations_total", "Allocations that found no room.")
      .Add(D(store.dram.refused));
  page.Gauge("halflife_index_entries", "Entries of the block index.").Add(D(store.index_entries));
  page.Counter("halflife_touch_events_dropped_total",
               "Touches that the policy did not see because its queue was full.")
      .Add(D(store.touch_events_dropped));
}

// Rows for each category, tier and reason. `counts` picks the field of CategoryStats.
void AddEvicted(const StoreStats& store,
                std::array<std::array<uint64_t, kEvictReasonCount>, 2> CategoryStats::*counts,
                MetricPage& page) {
  for (const CategoryStats& c : store.categories) {
    for (int t = 0; t < (store.has_ssd ? 2 : 1); ++t) {
      for (int r = 0; r < kEvictReasonCount; ++r) {
        page.Add(D((c.*counts)[t][r]),
                 {{"category", c.name}, {"tier", kTierNames[t]}, {"reason", kEvictReasonNames[r]}});
      }
    }
  }
}

void AddEvictions(const StoreStats& store, MetricPage& page) {
  page.Counter("halflife_evicted_blocks_total",
               "Blocks that left a tier, by reason; one that is written to SSD leaves DRAM too.");
  AddEvicted(store, &CategoryStats::evicted_blocks, page);
  page.Counter("halflife_evicted_bytes_total", "Payload bytes that left a tier, by reason.");
  AddEvicted(store, &CategoryStats::evicted_bytes, page);
  page.Counter("halflife_evicted_unused_blocks_total",
               "Blocks that left a tier for want of room and were never used since their Put.");
  for (const CategoryStats& c : store.categories) {
    for (int t = 0; t < (store.has_ssd ? 2 : 1); ++t) {
      page.Add(D(c.evicted_unused_blocks[t]), {{"category", c.name}, {"tier", kTierNames[t]}});
    }
  }
}

void AddMigration(const StoreStats& store, MetricPage& page) {
  if (!store.has_ssd) return;
  page.Counter("halflife_admission_rejected_blocks_total",
               "Blocks that were to leave DRAM and were not written to SSD, by reason.");
  for (const CategoryStats& c : store.categories) {
    for (int r = 0; r < kAdmissionRefusalCount; ++r) {
      page.Add(D(c.admission_refused_blocks[r]),
               {{"category", c.name}, {"reason", kAdmissionRefusalNames[r]}});
    }
  }
  AddWriteBudget(store.admission, page);
  page.Counter("halflife_demoted_blocks_total", "Blocks written from DRAM to SSD.")
      .Add(D(store.demoted_blocks));
  page.Counter("halflife_demoted_bytes_total", "Payload bytes written from DRAM to SSD.")
      .Add(D(store.demoted_bytes));
  page.Counter("halflife_promoted_blocks_total", "Blocks read from SSD into DRAM.")
      .Add(D(store.promoted_blocks));
  page.Counter("halflife_promoted_bytes_total", "Payload bytes read from SSD into DRAM.")
      .Add(D(store.promoted_bytes));
}

void AddHints(const StoreStats& store, MetricPage& page) {
  page.Counter("halflife_hints_total", "Hints of callers, by kind and by what became of them.");
  for (int kind = 0; kind < kHintKindCount; ++kind) {
    for (int verdict = 0; verdict < kHintVerdictCount; ++verdict) {
      page.Add(D(store.hints[kind][verdict]),
               {{"kind", kHintKindNames[kind]}, {"verdict", kHintVerdictNames[verdict]}});
    }
  }
  page.Gauge("halflife_retained_bytes", "Payload bytes that hints retain.")
      .Add(D(store.retained_bytes));
}

void AddLives(const StoreStats& store, MetricPage& page) {
  const auto add = [&](Histogram::Snapshot CategoryStats::*member) {
    for (const CategoryStats& c : store.categories) {
      page.Add(c.*member, kMillisPerSecond, kLifeBoundsSeconds, {{"category", c.name}});
    }
  };
  page.Histograms("halflife_block_lifetime_seconds",
                  "From a block's birth to its last touch, when it leaves the node.");
  add(&CategoryStats::lifespan_ms);
  page.Histograms("halflife_block_idle_before_evict_seconds",
                  "From a block's last touch to its eviction.");
  add(&CategoryStats::idle_before_evict_ms);
  page.Histograms("halflife_block_reuse_gap_seconds", "Between two touches of a block.");
  add(&CategoryStats::reuse_gap_ms);
  page.Histograms("halflife_block_evict_reuse_gap_seconds",
                  "From giving a block up to the Put that brings it back, in whole seconds.");
  add(&CategoryStats::evict_reuse_gap_ms);
  page.Histograms("halflife_block_reuses",
                  "Touches of a block in its life, when it leaves the node.");
  for (const CategoryStats& c : store.categories) page.Add(c.reuses, {{"category", c.name}});
}

void AddLeases(const StoreStats& store, MetricPage& page) {
  page.Gauge("halflife_leases", "Leases held by clients.").Add(D(store.leases));
  page.Gauge("halflife_leased_bytes", "DRAM bytes promised under leases.")
      .Add(D(store.leased_bytes));
  page.Counter("halflife_leases_expired_total", "Leases that ran out before they were released.")
      .Add(D(store.leases_expired));
  page.Gauge("halflife_put_buffer_bytes", "DRAM bytes of puts in progress.")
      .Add(D(store.put_buffer_bytes));
}

void AddSsdDevice(const SsdTier::Stats& ssd, MetricPage& page) {
  page.Gauge("halflife_ssd_io_uring",
             "1 if slot files are read and written by io_uring, 0 if by threads that wait.")
      .Add(ssd.uses_io_uring ? 1 : 0);
  page.Counter("halflife_ssd_device_requests_total",
               "Requests to the device for payload in slots; neighbours go in one.")
      .Add(D(ssd.device_reads), {{"operation", "read"}})
      .Add(D(ssd.device_writes), {{"operation", "write"}});
  page.Counter("halflife_ssd_timeouts_total",
               "Batches of reads or writes that the device did not answer in time.")
      .Add(D(ssd.timeouts));
  page.Gauge("halflife_ssd_stuck_requests",
             "Requests that were given up and that the device still has.")
      .Add(D(ssd.stuck_transfers));
}

void AddSsd(const NodeFacts& facts, MetricPage& page) {
  page.Gauge("halflife_ssd_off_after_crashes",
             "1 if the SSD tier was left out because of repeated crashes.")
      .Add(facts.ssd_off_after_crashes ? 1 : 0);
  if (!facts.store.has_ssd) return;
  const SsdTier::Stats& ssd = facts.store.ssd;
  page.Counter("halflife_ssd_read_bytes_total", "Payload bytes read from the SSD tier.")
      .Add(D(ssd.read_bytes));
  page.Counter("halflife_ssd_write_bytes_total", "Payload bytes written to the SSD tier.")
      .Add(D(ssd.written_bytes));
  page.Counter("halflife_ssd_reads_total", "Blocks read from the SSD tier, by result.")
      .Add(D(ssd.reads_ok), {{"result", "ok"}})
      .Add(D(ssd.reads_missing), {{"result", "missing"}})
      .Add(D(ssd.reads_corrupt), {{"result", "corrupt"}})
      .Add(D(ssd.reads_failed), {{"result", "failed"}});
  page.Counter("halflife_ssd_writes_total", "Blocks written to the SSD tier, by result.")
      .Add(D(ssd.writes_ok), {{"result", "ok"}})
      .Add(D(ssd.writes_refused), {{"result", "refused"}})
      .Add(D(ssd.writes_failed), {{"result", "failed"}});
  page.Counter("halflife_ssd_quarantines_total", "Partitions set aside because of damage.")
      .Add(D(ssd.quarantines));
  page.Gauge("halflife_ssd_partitions", "Partitions by state.")
      .Add(ssd.partitions_serving, {{"state", "serving"}})
      .Add(ssd.partitions_read_only, {{"state", "read_only"}});
  AddSsdDevice(ssd, page);
}

void AddSsdDurations(const SsdTier::Stats& ssd, MetricPage& page) {
  const auto add = [&](const char* name, const char* help, const Histogram::Snapshot& snapshot) {
    page.Histograms(name, help).Add(snapshot, kNanosPerSecond, kRpcBoundsSeconds, {});
  };
  add("halflife_ssd_read_duration_seconds", "One block from the medium into DRAM, verified.",
      ssd.durations.read_ns);
  add("halflife_ssd_write_duration_seconds", "One block to the medium, with its index entry.",
      ssd.durations.write_ns);
  add("halflife_ssd_erase_duration_seconds", "One batch of blocks of a partition.",
      ssd.durations.erase_ns);
  add("halflife_ssd_commit_duration_seconds", "One write of the index database.",
      ssd.durations.commit_ns);
  page.Gauge("halflife_ssd_queue_depth", "Block reads and writes that are not done yet.")
      .Add(D(ssd.queue_depth));
}

void AddSsdDatabase(const SsdTier::Database& database, MetricPage& page) {
  page.Counter("halflife_rocksdb_write_stall_seconds_total",
               "Time in which partitions of the index were slowed or stopped, summed over them.")
      .Add(D(database.stall_ns) / kNanosPerSecond);
  page.Gauge("halflife_rocksdb_pending_compaction_bytes", "Bytes that wait for compaction.")
      .Add(D(database.pending_compaction_bytes));
  page.Gauge("halflife_rocksdb_level_files", "Files of the index, by level.");
  for (int level = 0; level < SsdTier::Database::kLevels; ++level) {
    page.Add(D(database.level_files[level]), {{"level", std::to_string(level)}});
  }
  page.Counter("halflife_rocksdb_compaction_bytes_total",
               "Bytes that compactions of the index moved.")
      .Add(D(database.compaction_read_bytes), {{"direction", "read"}})
      .Add(D(database.compaction_written_bytes), {{"direction", "write"}});
  page.Counter("halflife_rocksdb_compactions_total", "Compactions of the index.")
      .Add(D(database.compactions));
  page.Counter("halflife_rocksdb_flush_bytes_total", "Bytes that flushes of the index wrote.")
      .Add(D(database.flush_written_bytes));
  page.Counter("halflife_rocksdb_flushes_total", "Flushes of the index.").Add(D(database.flushes));
  page.Counter("halflife_rocksdb_background_errors_total",
               "Errors of flushes and compactions of the index.")
      .Add(D(database.background_errors));
  page.Gauge("halflife_rocksdb_running_compactions", "Compactions under way.")
      .Add(D(database.running_compactions));
  page.Gauge("halflife_rocksdb_running_flushes", "Flushes under way.")
      .Add(D(database.running_flushes));
  page.Gauge("halflife_rocksdb_memtable_bytes", "Memory of write buffers.")
      .Add(D(database.memtable_bytes));
  page.Gauge("halflife_rocksdb_block_cache_bytes", "Memory of the index's read cache.")
      .Add(D(database.block_cache_bytes));
  page.Gauge("halflife_rocksdb_table_bytes", "Bytes of the index's files.")
      .Add(D(database.table_bytes));
  page.Gauge("halflife_rocksdb_live_data_bytes", "Of them, not overwritten or erased; an estimate.")
      .Add(D(database.live_data_bytes));
  page.Gauge("halflife_rocksdb_slowed_partitions",
             "Partitions that take no writes until a flush or compaction has caught up.")
      .Add(D(database.slowed_partitions));
}

}  // namespace

std::vector<prometheus::MetricFamily> MetricsExporter::Collect() const {
  NodeFacts facts = collect_();
  std::vector<std::string> category_names;
  for (const CategoryStats& category : facts.store.categories) {
    category_names.push_back(category.name);
  }
  fold_.Fold(&facts.store);
  MetricPage page;
  AddBuildAndConfig(facts, page);
  AddProcess(facts, page);
  if (!facts.opened) return page.Take();
  AddRpcCalls(facts.rpc, page);
  AddRpcServer(facts.rpc, page);
  AddLookups(facts.store, page);
  AddGets(facts.store, page);
  AddPuts(facts.store, page);
  AddTiers(facts.store, page);
  AddNamespaceLimits(facts.store, page);
  AddEvictions(facts.store, page);
  AddMigration(facts.store, page);
  AddLives(facts.store, page);
  AddHints(facts.store, page);
  AddResidency(facts, category_names, fold_, page);
  AddLeases(facts.store, page);
  AddSharedMemory(facts, page);
  AddSsd(facts, page);
  if (facts.store.has_ssd) {
    AddSsdDurations(facts.store.ssd, page);
    AddSsdDatabase(facts.store.ssd.database, page);
  }
  return page.Take();
}

std::string MetricsExporter::Text() const {
  return prometheus::TextSerializer().Serialize(Collect());
}

}  // namespace halflife
