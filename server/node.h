#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "common/config/effective_config.h"
#include "common/executor.h"
#include "common/published.h"
#include "server/admin/admin_service.h"
#include "server/admin/http_server.h"
#include "server/admin/node_facts.h"
#include "server/crash_guard.h"
#include "server/node_options.h"
#include "server/process_lock.h"
#include "server/rpc/rpc_server.h"
#include "server/shm/shm_server.h"
#include "storage/block_store.h"

namespace halflife {

// One halflifed without its process: owns every part and knows how they fit together. Several nodes
// may live in one process (tests do). Start and Stop from one thread; the rest is thread-safe.
class Node {
 public:
  struct Options {
    EffectiveConfig config;
    std::function<void()> request_stop;  // AdminService.Drain; returns at once
    // Called once during Start, when the admin port answers and before the store is opened, which
    // may take a while. Not called without an admin port.
    std::function<void(int admin_port)> on_admin_port = [](int) {};
  };

  // Takes the locks, answers on the admin port ("starting"), opens the store and serves. On failure
  // nothing stays bound or locked.
  // Returns: kAlreadyExists naming the holder if the directory, the socket or a port is in use;
  // kInvalidArgument if the configuration does not fit this machine; whatever else keeps it from
  // starting.
  static absl::StatusOr<std::unique_ptr<Node>> Start(Options options);
  // Stop(0) if that was not called.
  ~Node();

  // Readiness says no; requests are still served. The first step of a stop.
  void BeginDrain();
  // Lets calls finish for `grace`, then writes DRAM blocks to SSD for at most `grace`, and marks
  // the stop clean. Idempotent.
  void Stop(absl::Duration grace);

  // Applies the reloadable settings of `next`; the others keep their values until a restart.
  ConfigChanges Reload(const EffectiveConfig& next);
  // A reload was refused before it came to settings.
  void CountFailedReload() { last_reload_ok_.store(false); }

  std::shared_ptr<const EffectiveConfig> config() const { return config_.Get(); }
  NodeFacts Facts() const;
  NodeState state() const { return state_.load(); }
  // 0 if there is none.
  int admin_port() const { return http_ == nullptr ? 0 : http_->port(); }
  int tcp_port() const { return rpc_->tcp_port(); }

 private:
  explicit Node(Options options);
  absl::Status Open();
  absl::Status OpenAdminPort();
  absl::Status TakeLocks();
  absl::StatusOr<std::unique_ptr<SsdTier>> OpenSsd(DramArena& arena);
  void OpenSharedMemory();

  const std::function<void()> request_stop_;
  const std::function<void(int)> on_admin_port_;
  const int64_t started_ns_ = Clock::Real().NowNanos();
  MachineLimits machine_;
  Published<EffectiveConfig> config_;
  std::atomic<NodeState> state_{NodeState::kStarting};
  std::atomic<bool> opened_{false};  // all parts are there: set before another thread may use them
  std::atomic<bool> last_reload_ok_{true};
  std::atomic<int64_t> last_reload_time_s_;
  bool stopped_ = false;

  // In the order they are built; each borrows from those before it and is destroyed before them.
  std::vector<ProcessLock> locks_;
  std::optional<CrashGuard> crash_guard_;  // only with an SSD directory that can be written
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<ThreadPool> io_;
  std::unique_ptr<AdminService> admin_service_;
  std::unique_ptr<ShmServer> shm_;  // null: no Unix socket, or not wanted, or not possible
  std::unique_ptr<RpcServer> rpc_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace halflife
