#pragma once

#include <functional>
#include <memory>
#include <string>

#include "server/admin/build_facts.h"
#include "server/admin/process_facts.h"
#include "server/rpc/rpc_stats.h"
#include "server/shm/shm_stats.h"
#include "storage/block_explanation.h"
#include "storage/store_stats.h"

namespace halflife {

// Where a node stands in its life.
enum class NodeState { kStarting, kServing, kDraining };

// One moment of a node, for every page and metric. Facts only: what they are called is the
// exporter's business.
struct NodeFacts {
  BuildFacts build;
  NodeState state = NodeState::kStarting;
  double uptime_s = 0;

  bool opened = true;  // false while starting: then store and rpc say nothing yet
  StoreStats store;
  std::shared_ptr<const ResidencyReport> residency;  // null while starting
  std::string ssd_directory;                         // empty = none configured
  bool ssd_off_after_crashes = false;                // configured, but left out by the crash guard
  RpcStats rpc;
  ShmStats shm;
  ProcessFacts process;
  uint64_t dropped_log_lines = 0;

  std::string policy;
  std::string config_yaml;  // with origins, redacted
  bool last_reload_ok = true;
  double last_reload_time_s = 0;  // Unix time of the last successful load
  bool insecure_listen = false;
};

// Collects the facts of now. Thread-safe; may take milliseconds, so never called on a request path.
using CollectNodeFacts = std::function<NodeFacts()>;

}  // namespace halflife
