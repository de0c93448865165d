#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/config/config.h"
#include "server/rpc/rpc_server.h"
#include "server/shm/shm_server.h"
#include "server/tenant_secret.h"
#include "storage/block_store.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/rocks_ssd_tier.h"

namespace halflife {

// From settings to the options of each module: the only place where "auto" gets its meaning.

// What the machine allows, measured once at start.
struct MachineLimits {
  uint64_t memory_bytes = 0;  // ReadMemoryLimit
  int processors = 1;         // this process may use
  uint64_t open_files = 1024;
};
MachineLimits ReadMachineLimits();

// Files that the daemon needs beside its connections: RocksDB, slot files, logs, the admin port.
inline constexpr uint64_t kReservedFiles = 256;

uint64_t DramBudgetOf(const Config& config, const MachineLimits& machine);
DramArena::Options ArenaOptionsOf(const Config& config, const MachineLimits& machine);
RocksSsdTier::Options SsdOptionsOf(const Config& config);
BlockStore::Options StoreOptionsOf(const Config& config, const MachineLimits& machine);
RpcServer::Options RpcOptionsOf(const Config& config, const MachineLimits& machine);
ShmServer::Options ShmOptionsOf(const Config& config, const MachineLimits& machine);
// What the configuration asks for and this machine does not give, a sentence each, for the log.
std::vector<std::string> ShortfallsOf(const Config& config, const MachineLimits& machine);
TenantSecretSource SecretSourceOf(const Config& config);

}  // namespace halflife
