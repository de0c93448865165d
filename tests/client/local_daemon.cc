#include "tests/client/local_daemon.h"

#include <utility>

#include "common/check.h"

namespace halflife::client {
namespace {

constexpr uint64_t kDramBytes = uint64_t{256} << 20;

template <typename T>
T OrAbort(absl::StatusOr<T> value) {
  HL_CHECK(value.ok());
  return *std::move(value);
}

}  // namespace

LocalDaemon::LocalDaemon(const std::string& socket_path) : socket_path_(socket_path) { Start(); }

LocalDaemon::~LocalDaemon() { Stop(); }

void LocalDaemon::Start() {
  io_ = std::make_unique<ThreadPool>(ThreadPool::Options{.name = "local-daemon", .threads = 2});
  BlockStore::Tiers tiers;
  tiers.arena = OrAbort(DramArena::Create({.budget_bytes = kDramBytes, .huge_pages = false}));
  BlockStore::Options store_options;
  store_options.policy = "model";  // as the daemon does unless it is told otherwise
  store_ = OrAbort(BlockStore::Open(store_options, TenantSecret{}, std::move(tiers)));
  RpcServer::Options options;
  options.unix_path = socket_path_;
  server_ = OrAbort(
      RpcServer::Start(options, {.store = store_.get(), .io = io_.get(), .extra_services = {}}));
  server_->SetServing(true);
}

void LocalDaemon::Stop() {
  if (server_ == nullptr) return;
  server_->Shutdown(absl::ZeroDuration());
  io_->Drain();
  server_.reset();
  store_->Drain(absl::ZeroDuration());
  store_.reset();
}

void LocalDaemon::Restart() {
  Stop();
  Start();
}

}  // namespace halflife::client
