#include "tools/bench/bench_report.h"

#include <algorithm>
#include <utility>

namespace halflife::tools {
namespace {

using client::Outcome;

// A bucket's upper bound may lie above the longest call.
Cell MicrosAt(const CallTally& tally, double quantile) {
  if (tally.latency_ns.count == 0) return Cell::None();
  return Cell::Micros(
      std::min(tally.latency_ns.Quantile(quantile), static_cast<double>(tally.longest_ns)) * 1e-3);
}

Cell PerSecond(uint64_t bytes, double seconds) {
  if (!(seconds > 0)) return Cell::None();
  return Cell::Bytes(static_cast<uint64_t>(static_cast<double>(bytes) / seconds));
}

// Calls `row(name, tally, run)` for every verb that was called.
template <typename Row>
void ForEachVerb(const std::vector<BenchRow>& rows, Row row) {
  for (const BenchRow& run : rows) {
    if (run.result.tally.get.calls() > 0) {
      row(run.fetch ? "Fetch" : "Get", run.result.tally.get, run);
    }
    if (run.result.tally.put.calls() > 0) row("Put", run.result.tally.put, run);
  }
}

Table CallsTable(const std::vector<BenchRow>& rows) {
  Table table{"calls",
              {"call", "path", "block_bytes", "calls", "bytes_per_second", "p50_us", "p90_us",
               "p99_us", "p999_us", "max_us", "hit_ratio"},
              {}};
  ForEachVerb(rows, [&](const char* name, const CallTally& tally, const BenchRow& run) {
    const bool is_get = &tally == &run.result.tally.get;
    table.AddRow({Cell::Text(name), Cell::Text(run.path), Cell::Bytes(run.options.block_bytes),
                  Cell::Count(tally.calls()), PerSecond(tally.bytes, run.result.seconds),
                  MicrosAt(tally, 0.5), MicrosAt(tally, 0.9), MicrosAt(tally, 0.99),
                  MicrosAt(tally, 0.999),
                  Cell::Micros(static_cast<double>(tally.longest_ns) * 1e-3),
                  is_get ? Cell::Share(tally.good_blocks, tally.blocks) : Cell::None()});
  });
  return table;
}

Table OutcomesTable(const std::vector<BenchRow>& rows) {
  Table table{"outcomes",
              {"call", "block_bytes", "blocks", "good_blocks", "missed_blocks", "wrong_blocks",
               "timeouts", "unavailable", "refused"},
              {}};
  ForEachVerb(rows, [&](const char* name, const CallTally& tally, const BenchRow& run) {
    table.AddRow({Cell::Text(name), Cell::Bytes(run.options.block_bytes), Cell::Count(tally.blocks),
                  Cell::Count(tally.good_blocks), Cell::Count(tally.blocks - tally.good_blocks),
                  Cell::Count(tally.wrong_blocks),
                  Cell::Count(tally.OutcomeCount(Outcome::kTimeout)),
                  Cell::Count(tally.OutcomeCount(Outcome::kUnavailable)),
                  Cell::Count(tally.OutcomeCount(Outcome::kRefused))});
  });
  return table;
}

Table RunsTable(const std::vector<BenchRow>& rows) {
  Table table{"runs",
              {"block_bytes", "blocks_per_call", "callers", "working_set_bytes", "read_share",
               "verify", "seconds", "client_cpu_seconds", "client_cpu_seconds_per_gb"},
              {}};
  for (const BenchRow& run : rows) {
    const BenchTally& tally = run.result.tally;
    if (tally.get.calls() + tally.put.calls() == 0) continue;  // interrupted before
    const double gb = static_cast<double>(tally.get.bytes + tally.put.bytes) * 1e-9;
    table.AddRow({Cell::Bytes(run.options.block_bytes), Cell::Count(run.options.blocks_per_call),
                  Cell::Count(static_cast<uint64_t>(run.options.callers)),
                  Cell::Bytes(run.options.working_set_bytes), Cell::Ratio(run.options.read_share),
                  Cell::Bool(run.verify), Cell::Seconds(run.result.seconds),
                  Cell::Seconds(run.result.client_cpu_s),
                  gb > 0 ? Cell::Number(run.result.client_cpu_s / gb) : Cell::None()});
  }
  return table;
}

}  // namespace

Report MakeBenchReport(const std::vector<BenchRow>& rows) {
  return {{CallsTable(rows), OutcomesTable(rows), RunsTable(rows)}};
}

}  // namespace halflife::tools
