#include "server/node_options.h"

#include <sched.h>

#include <algorithm>

#include "common/config/memory_limit.h"
#include "common/strings.h"
#include "common/units.h"
#include "server/process_setup.h"

namespace halflife {
namespace {

constexpr uint64_t kLeastInFlightBytes = uint64_t{64} << 20;
constexpr double kFreeTargetWithSsd = 0.04;
constexpr double kFreeTargetWithoutSsd = 0.01;
// A block that has to be written first leaves after tens of milliseconds, behind others; else in
// microseconds, once the background runs.
constexpr double kFreeAheadWithSsdS = 2;
constexpr double kFreeAheadWithoutSsdS = 0.001;
constexpr uint64_t kLeastStagingBytes = uint64_t{64} << 20;

// Populated ahead of demand; what free slabs a size class may keep, see SlabShape.
constexpr uint64_t kMaxStockBytes = uint64_t{1} << 30;
constexpr uint64_t kStockShare = 16;

uint64_t PopulateStockOf(const Config& config, const MachineLimits& machine) {
  if (config.dram.populate == "off") return 0;
  const uint64_t budget = DramBudgetOf(config, machine);
  return config.dram.populate == "all" ? budget : std::min(budget / kStockShare, kMaxStockBytes);
}

uint64_t OrDefault(int64_t bytes) {
  return bytes == Config::kAuto ? 0 : static_cast<uint64_t>(bytes);
}

double FreeTargetOf(const Config& config) {
  if (config.dram.free_target_ratio > 0) return config.dram.free_target_ratio;
  // What is kept free holds no blocks: 4 % cost the model 3.3 points of hit ratio on a coding-agent
  // trace at 2 % of its blocks.
  return config.ssd.directory.empty() ? kFreeTargetWithoutSsd : kFreeTargetWithSsd;
}

double FreeAheadOf(const Config& config) {
  const bool leaves_at_once = config.ssd.directory.empty() && config.dram.free_target_ratio == 0;
  return leaves_at_once ? kFreeAheadWithoutSsdS : kFreeAheadWithSsdS;
}

}  // namespace

MachineLimits ReadMachineLimits() {
  MachineLimits machine;
  machine.memory_bytes = ReadMemoryLimit().bytes;
  cpu_set_t processors;
  if (sched_getaffinity(0, sizeof processors, &processors) == 0)
    machine.processors = CPU_COUNT(&processors);
  machine.open_files = RaiseOpenFileLimit();
  return machine;
}

uint64_t DramBudgetOf(const Config& config, const MachineLimits& machine) {
  if (config.dram.budget_bytes == Config::kAuto) return AutoDramBudget(machine.memory_bytes);
  return static_cast<uint64_t>(config.dram.budget_bytes);
}

DramArena::Options ArenaOptionsOf(const Config& config, const MachineLimits& machine) {
  return {.budget_bytes = DramBudgetOf(config, machine),
          .huge_pages = config.dram.huge_pages,
          .keep_all = config.dram.populate == "all"};
}

RocksSsdTier::Options SsdOptionsOf(const Config& config) {
  return {.directory = config.ssd.directory,
          .quota_bytes = static_cast<uint64_t>(config.ssd.quota_bytes),
          .direct_io = config.ssd.direct_io,
          .io_uring = config.ssd.io_uring,
          .io_threads = static_cast<int>(config.server.io_threads),
          .read_timeout = config.ssd.read_timeout};
}

BlockStore::Options StoreOptionsOf(const Config& config, const MachineLimits& machine) {
  return {.free_target_ratio = FreeTargetOf(config),
          .free_ahead_s = FreeAheadOf(config),
          .max_pinned_bytes = OrDefault(config.dram.max_pinned_bytes),
          .max_put_bytes = OrDefault(config.dram.max_put_bytes),
          .put_room_wait = config.dram.put_room_wait,
          .populate_stock_bytes = PopulateStockOf(config, machine),
          .populate_bytes_per_s = static_cast<uint64_t>(config.dram.populate_bytes_per_s),
          .max_block_bytes = static_cast<uint64_t>(config.max_block_bytes),
          .policy = config.policy,
          .objective = config.objective,
          .shadow_policies = config.shadow_policies,
          .write_budget_bytes_per_day = config.ssd.bytes_per_day(),
          .category_pins = config.category_pins,
          .namespace_limits = config.dram.namespace_limits};
}

RpcServer::Options RpcOptionsOf(const Config& config, const MachineLimits& machine) {
  RpcServer::Options options;
  options.unix_path = config.server.unix_socket;
  options.remove_stale_socket = true;  // the node holds the lock that proves it is stale
  options.tcp_address = config.server.tcp_listen;
  // Both kinds refer to arena memory: a quarter of it each, as for pinned blocks.
  const uint64_t quarter = std::max(DramBudgetOf(config, machine) / 4, kLeastInFlightBytes);
  options.max_inflight_get_bytes = quarter;
  options.max_inflight_put_bytes =
      config.dram.max_put_bytes == Config::kAuto ? quarter : OrDefault(config.dram.max_put_bytes);
  options.min_put_bytes_per_s = static_cast<uint64_t>(config.server.min_put_bytes_per_s);
  options.min_put_grace = config.server.min_put_grace;
  options.allowed_uids = config.server.allowed_uids;
  options.allowed_gids = config.server.allowed_gids;
  const uint64_t affordable =
      machine.open_files > kReservedFiles ? machine.open_files - kReservedFiles : 1;
  options.max_connections =
      static_cast<int>(std::min(static_cast<uint64_t>(config.server.max_connections), affordable));
  return options;
}

ShmServer::Options ShmOptionsOf(const Config& config, const MachineLimits& machine) {
  ShmServer::Options options;
  options.main_socket_path = config.server.unix_socket;
  options.peers = PeerPolicy::OwnRootAnd(config.server.allowed_uids, config.server.allowed_gids);
  // Beyond the budget for blocks: part of what kReservedBytes is for.
  options.sessions.max_staging_bytes =
      std::max(DramBudgetOf(config, machine) / 32, kLeastStagingBytes);
  options.max_read_bytes = std::max(DramBudgetOf(config, machine) / 4, kLeastInFlightBytes);
  return options;
}

std::vector<std::string> ShortfallsOf(const Config& config, const MachineLimits& machine) {
  std::vector<std::string> shortfalls;
  const uint64_t budget = DramBudgetOf(config, machine);
  if (budget + kReservedBytes > machine.memory_bytes) {
    shortfalls.push_back(
        StrCat("storage.dram.budget of ", ExactBytes(budget), " and ", ExactBytes(kReservedBytes),
               " for the rest are more than the memory limit of ", HumanBytes(machine.memory_bytes),
               ": the kernel may kill this process"));
  }
  const int connections = RpcOptionsOf(config, machine).max_connections;
  if (connections < config.server.max_connections) {
    shortfalls.push_back(
        StrCat("server.max_connections is lowered from ", config.server.max_connections, " to ",
               connections, ": this process may open ", machine.open_files, " files (ulimit -n)"));
  }
  return shortfalls;
}

TenantSecretSource SecretSourceOf(const Config& config) {
  return {.file = config.secret_file,
          .default_file =
              config.ssd.directory.empty() ? "" : StrCat(config.ssd.directory, "/tenant.secret")};
}

}  // namespace halflife
