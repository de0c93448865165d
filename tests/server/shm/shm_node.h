#pragma once

#include <memory>
#include <string>

#include "common/executor.h"
#include "server/rpc/rpc_server.h"
#include "server/shm/shm_server.h"
#include "storage/block_store.h"
#include "tests/fakes/fake_ssd_tier.h"
#include "tests/fakes/manual_clock.h"

namespace halflife {

// The true store, RPC server and shared-memory server in this process. Its leases run out only when
// the test says so; the store's background works on its own thread. Aborts if it cannot start.
class ShmNode {
 public:
  struct Options {
    uint64_t dram_bytes = uint64_t{64} << 20;
    bool with_ssd = false;
    bool share = true;
    bool real_time = false;  // leases run out by themselves
    ShmSessions::Options sessions;
    PeerPolicy peers = PeerPolicy::OwnRootAnd({}, {});
  };

  explicit ShmNode(std::string socket_path) : ShmNode(std::move(socket_path), Options()) {}
  ShmNode(std::string socket_path, const Options& options);
  ~ShmNode();

  void Start();
  void Stop();
  // Every lease runs out, and what only leases held is free.
  void ExpireLeases();
  // Drops every block of a namespace and lets the background finish.
  void DropAll();

  BlockStore& store() { return *store_; }
  ShmServer& shm() { return *shm_; }
  FakeSsdTier& ssd() { return *ssd_; }
  uint64_t leases() { return store_->stats().leases; }
  std::string door_path() const { return socket_path_ + ".shm"; }

 private:
  const std::string socket_path_;
  const Options options_;
  ManualClock clock_;
  std::unique_ptr<ThreadPool> io_;
  FakeSsdTier* ssd_ = nullptr;
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<ShmServer> shm_;
  std::unique_ptr<RpcServer> rpc_;
};

}  // namespace halflife
