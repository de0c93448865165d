#include "tests/server/shm/shm_node.h"

#include <utility>

#include "common/check.h"
#include "common/limits.h"

namespace halflife {
namespace {

template <typename T>
T OrAbort(absl::StatusOr<T> value) {
  HL_CHECK(value.ok());
  return *std::move(value);
}

}  // namespace

ShmNode::ShmNode(std::string socket_path, const Options& options)
    : socket_path_(std::move(socket_path)), options_(options) {
  Start();
}

ShmNode::~ShmNode() { Stop(); }

void ShmNode::Start() {
  io_ = std::make_unique<ThreadPool>(ThreadPool::Options{.name = "shm-node", .threads = 2});
  BlockStore::Tiers tiers;
  tiers.arena =
      OrAbort(DramArena::Create({.budget_bytes = options_.dram_bytes, .huge_pages = false}));
  if (options_.with_ssd) {
    auto ssd = std::make_unique<FakeSsdTier>(tiers.arena.get());
    ssd_ = ssd.get();
    tiers.ssd = std::move(ssd);
  }
  if (!options_.real_time) tiers.clock = &clock_;
  store_ = OrAbort(BlockStore::Open({}, TenantSecret{}, std::move(tiers)));
  RpcServer::Parts parts{.store = store_.get(), .io = io_.get(), .extra_services = {}};
  if (options_.share) {
    shm_ = OrAbort(ShmServer::Open(
        {.main_socket_path = socket_path_, .peers = options_.peers, .sessions = options_.sessions},
        *store_, *io_));
    parts.extra_services.push_back(
        {v1::SharedMemoryService::service_full_name(), &shm_->service()});
  }
  RpcServer::Options rpc;
  rpc.unix_path = socket_path_;
  rpc_ = OrAbort(RpcServer::Start(rpc, parts));
  rpc_->SetServing(true);
}

void ShmNode::Stop() {
  if (rpc_ == nullptr) return;
  rpc_->BeginDrain();
  if (shm_ != nullptr) shm_->BeginDrain();
  rpc_->Shutdown(absl::ZeroDuration());
  if (shm_ != nullptr) shm_->Stop();
  io_->Drain();
  rpc_.reset();
  shm_.reset();
  store_->Drain(absl::ZeroDuration());
  store_.reset();
}

void ShmNode::ExpireLeases() {
  clock_.Advance(kMaxLease + absl::Seconds(1));
  store_->Quiesce();
}

void ShmNode::DropAll() {
  for (const NamespaceRef& ns : store_->Namespaces()) store_->DeleteNamespace(ns);
  store_->Quiesce();
}

}  // namespace halflife
