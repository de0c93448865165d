#include "tools/replay/replay_report.h"

#include <utility>

namespace halflife::tools {
namespace {

Cell MicrosAt(const Histogram::Snapshot& latency_ns, double quantile) {
  if (latency_ns.count == 0) return Cell::None();
  return Cell::Micros(latency_ns.Quantile(quantile) * 1e-3);
}

Table SummaryTable(const ReplayResult& result, const std::optional<DaemonWork>& work) {
  const Tally& tally = result.tally;
  const Tally::Category total = tally.Total();
  const auto counter = [&](uint64_t DaemonWork::*member) {
    return work ? Cell::Count((*work).*member) : Cell::None();
  };
  Table table = Table::Record("replay");
  table.Set("requests", Cell::Count(total.requests));
  table.Set("seconds", Cell::Seconds(result.seconds));
  table.Set("blocks_looked_up", Cell::Count(total.blocks));
  table.Set("prefix_hit_ratio",
            Cell::Share(total.dram_hit_blocks + total.ssd_hit_blocks, total.blocks));
  table.Set("dram_hit_ratio", Cell::Share(total.dram_hit_blocks, total.blocks));
  table.Set("ssd_hit_ratio", Cell::Share(total.ssd_hit_blocks, total.blocks));
  table.Set("blocks_delivered", Cell::Count(total.got_blocks));
  table.Set("blocks_stored", Cell::Count(tally.stored_blocks));
  table.Set("blocks_already_there", Cell::Count(tally.duplicate_blocks));
  table.Set("blocks_refused", Cell::Count(tally.refused_blocks));
  if (tally.cut_blocks > 0) table.Set("blocks_beyond_chain_limit", Cell::Count(tally.cut_blocks));
  table.Set("got_bytes", Cell::Bytes(tally.calls[static_cast<size_t>(Verb::kGet)].bytes));
  table.Set("put_bytes", Cell::Bytes(tally.calls[static_cast<size_t>(Verb::kPut)].bytes));
  table.Set("evicted_from_dram", counter(&DaemonWork::evicted_dram_blocks));
  table.Set("evicted_from_ssd", counter(&DaemonWork::evicted_ssd_blocks));
  table.Set("demoted_to_ssd", counter(&DaemonWork::demoted_blocks));
  table.Set("promoted_to_dram", counter(&DaemonWork::promoted_blocks));
  table.Set("dropped_as_corrupt", counter(&DaemonWork::corrupt_blocks));
  if (tally.lateness_ns.count > 0) {
    table.Set("start_lateness_p99_us", MicrosAt(tally.lateness_ns, 0.99));
  }
  table.Set("blocks_verified", Cell::Count(tally.verified_blocks));
  table.Set("wrong_blocks", Cell::Count(tally.wrong_blocks));
  table.Set("wrong_bytes", Cell::Count(tally.wrong_bytes));
  return table;
}

Table CategoryTable(const Tally& tally) {
  Table table{"categories",
              {"category", "requests", "blocks", "prefix_hit_ratio", "dram_hit_ratio",
               "ssd_hit_ratio", "delivered"},
              {}};
  const auto add = [&table](const std::string& name, const Tally::Category& category) {
    table.AddRow({Cell::Text(name), Cell::Count(category.requests), Cell::Count(category.blocks),
                  Cell::Share(category.dram_hit_blocks + category.ssd_hit_blocks, category.blocks),
                  Cell::Share(category.dram_hit_blocks, category.blocks),
                  Cell::Share(category.ssd_hit_blocks, category.blocks),
                  Cell::Count(category.got_blocks)});
  };
  for (const auto& [name, category] : tally.categories) add(name, category);
  return table;
}

Table CallTable(const ReplayResult& result) {
  Table table{"calls",
              {"call", "calls", "ok", "miss", "timeout", "unavailable", "refused", "invalid",
               "p50_us", "p99_us", "bytes", "bytes_per_second"},
              {}};
  const char* const names[kVerbs] = {"Lookup", "Get", "Put"};
  for (size_t verb = 0; verb < kVerbs; ++verb) {
    const Tally::Calls& calls = result.tally.calls[verb];
    std::vector<Cell> row = {Cell::Text(names[verb]), Cell::Count(calls.latency_ns.count)};
    for (const uint64_t count : calls.outcomes) row.push_back(Cell::Count(count));
    row.push_back(MicrosAt(calls.latency_ns, 0.5));
    row.push_back(MicrosAt(calls.latency_ns, 0.99));
    row.push_back(Cell::Bytes(calls.bytes));
    const double rate = result.seconds > 0 ? static_cast<double>(calls.bytes) / result.seconds : 0;
    row.push_back(Cell::Bytes(static_cast<uint64_t>(rate)));
    table.AddRow(std::move(row));
  }
  return table;
}

Table MissTable(const Tally& tally) {
  Table table{"misses", {"reason", "lookups"}, {}};
  for (const auto& [reason, count] : tally.miss_reasons) {
    table.AddRow({Cell::Text(reason), Cell::Count(count)});
  }
  return table;
}

}  // namespace

Report MakeReplayReport(const ReplayResult& result, const std::optional<DaemonWork>& work) {
  Report report;
  report.tables = {CategoryTable(result.tally), CallTable(result), MissTable(result.tally),
                   SummaryTable(result, work)};
  return report;
}

}  // namespace halflife::tools
