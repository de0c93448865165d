#include "server/daemon.h"

#include <unistd.h>

#include <memory>

#include "absl/strings/str_join.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/strings.h"
#include "common/units.h"
#include "server/exit_code.h"
#include "server/node.h"
#include "server/process_setup.h"
#include "server/service_notification.h"
#include "server/signal_watch.h"

namespace halflife {
namespace {

void ApplyLogSettings(const Config& config) {
  const bool is_terminal = isatty(STDERR_FILENO) == 1;
  const bool json = config.log.format == Config::LogFormat::kJson ||
                    (config.log.format == Config::LogFormat::kAuto && !is_terminal);
  ConfigureLog({.minimum = config.log.level, .json = json});
}

std::string OrNone(const std::string& text) { return text.empty() ? "none" : text; }

void LogStart(const Node& node) {
  const std::shared_ptr<const EffectiveConfig> effective = node.config();
  const Config& config = effective->values();
  const NodeFacts facts = node.Facts();
  Log(Severity::kInfo, "node",
      StrCat(VersionText(facts.build), " serves: unix socket ", OrNone(config.server.unix_socket),
             ", tcp ", OrNone(config.server.tcp_listen), ", admin ", OrNone(config.admin_listen),
             "; DRAM ", HumanBytes(facts.store.dram.budget_bytes), ", SSD ",
             facts.store.has_ssd ? HumanBytes(facts.store.ssd.quota_bytes) : "none", " with ",
             facts.store.resident_blocks[1], " blocks from before; started in ",
             static_cast<int64_t>(facts.uptime_s * 1000), " ms"));
  if (config.server.insecure_listen) {
    Log(Severity::kWarning, "node",
        "addresses beyond loopback are allowed without TLS: whoever reaches the port may read and "
        "write blocks");
  }
}

void Reload(Node& node, const std::function<absl::StatusOr<EffectiveConfig>()>& load_config) {
  NotifyServiceManager(StrCat("RELOADING=1\nMONOTONIC_USEC=", Clock::Real().NowNanos() / 1000));
  const absl::StatusOr<EffectiveConfig> next = load_config();
  if (!next.ok()) {
    node.CountFailedReload();
    Log(Severity::kError, "config",
        StrCat("reload refused, the configuration stays as it was: ",
               ToStd(next.status().message())));
  } else {
    const ConfigChanges changes = node.Reload(*next);
    ApplyLogSettings(node.config()->values());
    Log(Severity::kInfo, "config",
        StrCat("reloaded; changed: ", OrNone(absl::StrJoin(changes.applied, ", ")),
               "; restart needed for: ", OrNone(absl::StrJoin(changes.need_a_restart, ", "))));
  }
  NotifyServiceManager("READY=1");
}

void DescribeState(const Node& node) {
  const NodeFacts facts = node.Facts();
  const StoreStats& store = facts.store;
  Log(Severity::kInfo, "node",
      StrCat("state: up ", static_cast<int64_t>(facts.uptime_s), " s, RSS ",
             HumanBytes(facts.process.resident_bytes), ", DRAM ",
             HumanBytes(store.dram.allocated_bytes), " of ", HumanBytes(store.dram.budget_bytes),
             " in ", store.resident_blocks[0], " blocks, SSD ", HumanBytes(store.ssd.used_bytes),
             " of ", HumanBytes(store.ssd.quota_bytes), " in ", store.resident_blocks[1],
             " blocks, index ", store.index_entries, ", leases ", store.leases, " (",
             HumanBytes(store.leased_bytes), "), puts ", HumanBytes(store.put_buffer_bytes)));
  Log(Severity::kInfo, "node",
      StrCat("state: demoted ", store.demoted_blocks, ", promoted ", store.promoted_blocks,
             ", demotions refused ", store.demotions_refused, ", SSD corrupt ",
             store.ssd.reads_corrupt, ", failed ", store.ssd.reads_failed, " reads and ",
             store.ssd.writes_failed, " writes, connections ", facts.rpc.connections_open,
             ", open streams ", facts.rpc.open_streams(), ", log lines lost ",
             facts.dropped_log_lines));
  for (const CategoryStats& category : store.categories) {
    const uint64_t lookups =
        category.lookups_full + category.lookups_partial + category.lookups_miss;
    if (lookups + category.resident_blocks[0] + category.resident_blocks[1] == 0) continue;
    Log(Severity::kInfo, "node",
        StrCat("state: category ", category.name, ": lookups full ", category.lookups_full,
               ", partial ", category.lookups_partial, ", miss ", category.lookups_miss,
               "; blocks in DRAM ", category.resident_blocks[0], ", on SSD ",
               category.resident_blocks[1]));
  }
}

// Returns when the process is asked to stop.
void Serve(Node& node, SignalWatch& signals,
           const std::function<absl::StatusOr<EffectiveConfig>()>& load_config) {
  while (true) {
    switch (signals.Wait()) {
      case SignalWatch::Event::kReload:
        Reload(node, load_config);
        break;
      case SignalWatch::Event::kDescribe:
        DescribeState(node);
        break;
      case SignalWatch::Event::kStop:
        return;
      case SignalWatch::Event::kNone:
        break;
    }
  }
}

void Drain(Node& node, SignalWatch& signals) {
  const std::shared_ptr<const EffectiveConfig> effective = node.config();
  const Config::Server& server = effective->values().server;
  signals.ExitOnNextStop(kExitCutShort);
  NotifyServiceManager("STOPPING=1");
  Log(Severity::kInfo, "node",
      StrCat("stopping: not ready, serving on for ", ExactDuration(server.drain_time),
             ", then calls and blocks have ", ExactDuration(server.shutdown_grace), " each"));
  node.BeginDrain();
  // Reloads and dumps are over; whatever ends a wait early is waited out.
  const absl::Duration end = Clock::Real().Now() + server.drain_time;
  while (Clock::Real().Now() < end) {
    if (signals.Wait(end - Clock::Real().Now()) == SignalWatch::Event::kDescribe)
      DescribeState(node);
  }
  node.Stop(server.shutdown_grace);
}

}  // namespace

int RunDaemon(const EffectiveConfig& config,
              const std::function<absl::StatusOr<EffectiveConfig>()>& load_config) {
  ApplyLogSettings(config.values());
  RouteLibraryLogs();
  SignalWatch signals;
  absl::StatusOr<std::unique_ptr<Node>> node =
      Node::Start({.config = config,
                   .request_stop = [&signals] { signals.RequestStop(); },
                   .on_admin_port =
                       [](int port) {
                         Log(Severity::kInfo, "node",
                             StrCat("admin port ", port, " answers; opening the store"));
                       }});
  if (!node.ok()) {
    Log(Severity::kError, "node", StrCat("cannot start: ", ToStd(node.status().message())));
    return ExitCodeOf(node.status());
  }
  LogStart(**node);
  NotifyServiceManager("READY=1");
  Serve(**node, signals, load_config);
  Drain(**node, signals);
  node->reset();
  Log(Severity::kInfo, "node", "stopped");
  return kExitOk;
}

}  // namespace halflife
