#include "server/node.h"

#include <filesystem>
#include <utility>

#include "common/log.h"
#include "common/replay_clock.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/units.h"
#include "server/admin/admin_pages.h"
#include "server/private_directory.h"
#include "server/tenant_secret.h"
#include "storage/tiers/rocks_ssd_tier.h"

namespace halflife {
namespace {

constexpr size_t kIoQueueLimit = 1024;

std::string ParentOf(const std::string& path) { return std::filesystem::path(path).parent_path(); }

}  // namespace

Node::Node(Options options)
    : request_stop_(std::move(options.request_stop)),
      on_admin_port_(std::move(options.on_admin_port)),
      machine_(ReadMachineLimits()),
      config_(std::make_shared<const EffectiveConfig>(std::move(options.config))),
      last_reload_time_s_(WallClockSeconds()) {}

Node::~Node() { Stop(absl::ZeroDuration()); }

absl::StatusOr<std::unique_ptr<Node>> Node::Start(Options options) {
  std::unique_ptr<Node> node(new Node(std::move(options)));
  HL_RETURN_IF_ERROR(node->Open());
  return node;
}

// The composition root: every part, in the order in which each needs those before it.
absl::Status Node::Open() {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const Config& config = effective->values();

  for (const std::string& shortfall : ShortfallsOf(config, machine_))
    Log(Severity::kWarning, "node", shortfall);
  HL_RETURN_IF_ERROR(TakeLocks());
  HL_RETURN_IF_ERROR(OpenAdminPort());
  HL_ASSIGN_OR_RETURN(const TenantSecret secret, LoadTenantSecret(SecretSourceOf(config)));

  BlockStore::Tiers tiers;
  HL_ASSIGN_OR_RETURN(tiers.arena, DramArena::Create(ArenaOptionsOf(config, machine_)));
  HL_ASSIGN_OR_RETURN(tiers.ssd, OpenSsd(*tiers.arena));
  HL_ASSIGN_OR_RETURN(tiers.clock, StoreClock());
  HL_ASSIGN_OR_RETURN(store_,
                      BlockStore::Open(StoreOptionsOf(config, machine_), secret, std::move(tiers)));

  io_ = std::make_unique<ThreadPool>(
      ThreadPool::Options{.name = "hl-io",
                          .threads = static_cast<int>(config.server.io_threads),
                          .queue_limit = kIoQueueLimit});
  admin_service_ =
      std::make_unique<AdminService>(AdminService::Parts{.store = store_.get(),
                                                         .io = io_.get(),
                                                         .collect = [this] { return Facts(); },
                                                         .request_drain = request_stop_});
  OpenSharedMemory();
  RpcServer::Parts parts{.store = store_.get(), .io = io_.get(), .extra_services = {}};
  parts.extra_services.push_back({v1::AdminService::service_full_name(), admin_service_.get()});
  if (shm_ != nullptr) {
    parts.extra_services.push_back(
        {v1::SharedMemoryService::service_full_name(), &shm_->service()});
  }
  HL_ASSIGN_OR_RETURN(rpc_, RpcServer::Start(RpcOptionsOf(config, machine_), parts));
  opened_.store(true);
  rpc_->SetServing(true);
  state_.store(NodeState::kServing);
  return absl::OkStatus();
}

absl::Status Node::TakeLocks() {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const Config& config = effective->values();
  if (!config.ssd.directory.empty()) {
    HL_RETURN_IF_ERROR(EnsureDirectory(config.ssd.directory, 0700));
    HL_ASSIGN_OR_RETURN(ProcessLock lock,
                        ProcessLock::Acquire(config.ssd.directory + "/LOCK.halflife"));
    locks_.push_back(std::move(lock));
  }
  if (!config.server.unix_socket.empty()) {
    const std::string directory = ParentOf(config.server.unix_socket);
    HL_RETURN_IF_ERROR(EnsureDirectory(directory, 0750));
    if (AnybodyMayReplaceFilesIn(directory)) {
      Log(Severity::kWarning, "node",
          StrCat(directory,
                 ": every user may put a socket of its own in place of ours; "
                 "chmod 0750 it, or 1777 if others need it"));
    }
    HL_ASSIGN_OR_RETURN(ProcessLock lock,
                        ProcessLock::Acquire(config.server.unix_socket + ".lock"));
    locks_.push_back(std::move(lock));
  }
  if (!config.server.tcp_listen.empty())
    HL_RETURN_IF_ERROR(CheckPortIsFree(config.server.tcp_listen));
  if (!config.admin_listen.empty()) HL_RETURN_IF_ERROR(CheckPortIsFree(config.admin_listen));
  return absl::OkStatus();
}

// The daemon serves without it where it is not possible.
void Node::OpenSharedMemory() {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const Config::Server& server = effective->values().server;
  if (server.unix_socket.empty() || !server.shared_memory) return;
  absl::StatusOr<std::unique_ptr<ShmServer>> opened =
      ShmServer::Open(ShmOptionsOf(effective->values(), machine_), *store_, *io_);
  if (opened.ok()) {
    shm_ = *std::move(opened);
  } else {
    Log(Severity::kWarning, "node",
        StrCat("clients of this machine go without shared memory: ", opened.status().ToString()));
  }
}

// nullptr: no SSD tier is configured, or the last starts crashed.
absl::StatusOr<std::unique_ptr<SsdTier>> Node::OpenSsd(DramArena& arena) {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const Config::Ssd& ssd = effective->values().ssd;
  if (ssd.directory.empty()) return nullptr;
  absl::StatusOr<CrashGuard> guard =
      CrashGuard::Begin(ssd.directory + "/starts.halflife", ssd.crash_limit, Clock::Real());
  if (guard.ok()) {
    crash_guard_ = *std::move(guard);
  } else {  // a full disk must not keep the daemon down
    Log(Severity::kWarning, "node",
        StrCat("repeated crashes will not be noticed: ", guard.status().ToString()));
  }
  if (crash_guard_.has_value() && crash_guard_->tripped()) {
    Log(Severity::kError, "node",
        StrCat("started ", ssd.crash_limit, " times within ",
               absl::FormatDuration(CrashGuard::kWindow),
               " without a clean stop: going on WITHOUT the SSD tier in ", ssd.directory,
               "; a clean stop and a start bring it back"));
    return nullptr;
  }
  return RocksSsdTier::Open(SsdOptionsOf(effective->values()), arena, Clock::Real());
}

// Before the store: reading a large index takes seconds, in which an orchestrator must see that the
// daemon is alive and not ready.
absl::Status Node::OpenAdminPort() {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const std::string& listen = effective->values().admin_listen;
  if (listen.empty()) return absl::OkStatus();
  HttpServer::Options options{
      .listen = listen,
      .pages = AdminPages([this] { return Facts(); }, [this] { return state(); })};
  HL_ASSIGN_OR_RETURN(http_, HttpServer::Start(std::move(options)));
  on_admin_port_(http_->port());
  return absl::OkStatus();
}

void Node::BeginDrain() {
  state_.store(NodeState::kDraining);
  if (rpc_ != nullptr) rpc_->SetServing(false);
}

void Node::Stop(absl::Duration grace) {
  if (std::exchange(stopped_, true)) return;
  BeginDrain();
  if (rpc_ != nullptr) {
    rpc_->BeginDrain();
    if (shm_ != nullptr) shm_->BeginDrain();
    rpc_->Shutdown(grace);
  }
  if (shm_ != nullptr) shm_->Stop();
  if (store_ != nullptr) store_->Drain(grace);
  http_.reset();  // alive until everything is written
  if (store_ != nullptr && crash_guard_.has_value()) {
    if (absl::Status clean = crash_guard_->MarkClean(); !clean.ok()) {
      Log(Severity::kWarning, "node",
          StrCat("the stop is clean but cannot be marked so: ", clean.ToString()));
    }
  }
}

ConfigChanges Node::Reload(const EffectiveConfig& next) {
  const std::shared_ptr<const EffectiveConfig> before = config();
  ConfigChanges changes = CompareConfigs(*before, next);
  config_.Publish(std::make_shared<const EffectiveConfig>(before->WithReloadableOf(next)));
  last_reload_ok_.store(true);
  last_reload_time_s_.store(WallClockSeconds());
  return changes;
}

NodeFacts Node::Facts() const {
  const std::shared_ptr<const EffectiveConfig> effective = config();
  const Config& config = effective->values();
  NodeFacts facts;
  facts.build = ThisBuild();
  facts.state = state();
  facts.uptime_s = absl::ToDoubleSeconds(absl::Nanoseconds(Clock::Real().NowNanos() - started_ns_));
  facts.ssd_directory = config.ssd.directory;
  facts.opened = opened_.load();
  if (facts.opened) {  // else the starting thread is about to set these
    facts.store = store_->stats();
    facts.residency = store_->Report();
    facts.ssd_off_after_crashes = crash_guard_.has_value() && crash_guard_->tripped();
    facts.rpc = rpc_->stats();
    if (shm_ != nullptr) facts.shm = shm_->stats();
  }
  facts.process = ReadProcessFacts();
  facts.dropped_log_lines = DroppedLogLines();
  facts.policy = config.policy;
  facts.config_yaml = effective->ToYaml();
  facts.last_reload_ok = last_reload_ok_.load();
  facts.last_reload_time_s = static_cast<double>(last_reload_time_s_.load());
  facts.insecure_listen = config.server.insecure_listen;
  return facts;
}

}  // namespace halflife
