#include <string>

#include "tools/admin/daemon_connection.h"
#include "tools/admin/enum_names.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

Table DaemonTable(const v1::GetStatsResponse& stats) {
  Table table = Table::Record("daemon");
  table.Set("version", Cell::Text(stats.version()));
  table.Set("uptime_seconds", Cell::Seconds(stats.uptime_seconds()));
  table.Set("resident_memory_bytes", Cell::Bytes(stats.resident_memory_bytes()));
  table.Set("leases", Cell::Count(stats.leases()));
  table.Set("leased_bytes", Cell::Bytes(stats.leased_bytes()));
  table.Set("demoted_blocks", Cell::Count(stats.demoted_blocks()));
  table.Set("promoted_blocks", Cell::Count(stats.promoted_blocks()));
  table.Set("corrupt_blocks", Cell::Count(stats.corrupt_blocks()));
  return table;
}

Table TierTable(const v1::GetStatsResponse& stats) {
  Table table{"tiers",
              {"tier", "used_bytes", "capacity_bytes", "used_ratio", "blocks", "block_bytes",
               "evicted_blocks"},
              {}};
  for (const v1::TierUsage& tier : stats.tiers()) {
    table.AddRow({Cell::Text(TierName(tier.tier())), Cell::Bytes(tier.used_bytes()),
                  Cell::Bytes(tier.capacity_bytes()),
                  Cell::Share(tier.used_bytes(), tier.capacity_bytes()), Cell::Count(tier.blocks()),
                  Cell::Bytes(tier.block_bytes()), Cell::Count(tier.evicted_blocks())});
  }
  return table;
}

// `with_idle`: also those that nothing has happened in, which are most of a daemon's.
Table CategoryTable(const v1::GetStatsResponse& stats, bool with_idle) {
  Table table{"categories",
              {"category", "lookups", "blocks", "hit_ratio", "dram_hit_ratio", "ssd_hit_ratio",
               "stored_blocks"},
              {}};
  for (const v1::CategoryUsage& category : stats.categories()) {
    if (!with_idle && category.lookups() == 0 && category.stored_blocks() == 0) continue;
    const uint64_t hits = category.dram_hit_blocks() + category.ssd_hit_blocks();
    table.AddRow({Cell::Text(category.name()), Cell::Count(category.lookups()),
                  Cell::Count(category.lookup_blocks()),
                  Cell::Share(hits, category.lookup_blocks()),
                  Cell::Share(category.dram_hit_blocks(), category.lookup_blocks()),
                  Cell::Share(category.ssd_hit_blocks(), category.lookup_blocks()),
                  Cell::Count(category.stored_blocks())});
  }
  return table;
}

int RunStats(const Context& context) {
  DaemonConnection daemon(context.endpoint);
  const auto stats = daemon.GetStats();
  if (!stats.ok()) return FailDaemon(context.endpoint, stats.status());
  const bool with_idle = context.output != OutputFormat::kTable;
  return context.Print(
      {{DaemonTable(*stats), TierTable(*stats), CategoryTable(*stats, with_idle)}});
}

}  // namespace

void AddStatsCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand("stats", "Tiers, categories and counters of the daemon");
  context.OnRun(command, [&context] { return RunStats(context); });
}

}  // namespace halflife::tools
