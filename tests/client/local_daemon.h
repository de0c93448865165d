#pragma once

#include <memory>
#include <string>

#include "common/executor.h"
#include "server/rpc/rpc_server.h"
#include "storage/block_store.h"

namespace halflife::client {

// The true RPC server over the true block store, DRAM only, in this process. Aborts if it cannot
// start.
class LocalDaemon {
 public:
  explicit LocalDaemon(const std::string& socket_path);
  ~LocalDaemon();

  BlockStore& store() { return *store_; }
  RpcServer& server() { return *server_; }
  // As after SIGTERM and a start without an SSD: same socket, nothing in it.
  void Restart();
  void Stop();
  void Start();

 private:
  const std::string socket_path_;
  std::unique_ptr<ThreadPool> io_;
  std::unique_ptr<BlockStore> store_;
  std::unique_ptr<RpcServer> server_;
};

}  // namespace halflife::client
