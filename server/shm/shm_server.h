#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/executor.h"
#include "server/shm/shm_door.h"
#include "server/shm/shm_environment.h"
#include "server/shm/shm_lines.h"
#include "server/shm/shm_service.h"
#include "server/shm/shm_stats.h"
#include "storage/block_store.h"

namespace halflife {

// The shared-memory path of one node: the door that hands memory over, and the gRPC service that
// leases and commits in it. Thread-safe.
//
//   Open (service() registered, RPC server started) BeginDrain (RPC server shut down) Stop
class ShmServer {
 public:
  struct Options {
    std::string main_socket_path;  // the door's socket lies beside it
    PeerPolicy peers = PeerPolicy::OwnRootAnd({}, {});
    ShmSessions::Options sessions;
    uint64_t max_read_bytes = uint64_t{64} << 20;  // being read from SSD for leases at one time
  };

  // Borrows both, which outlive it. Returns: kUnimplemented if the store has nothing to share;
  // whatever ShmDoor::Open returns.
  static absl::StatusOr<std::unique_ptr<ShmServer>> Open(const Options& options, BlockStore& store,
                                                         Executor& io);

  grpc::Service& service() { return *service_; }
  // Calls get UNAVAILABLE from now on; leases stay.
  void BeginDrain() { environment_->draining = true; }
  // Closes all sessions, and returns when nothing refers to the store any more. Idempotent. After
  // the RPC server's shutdown.
  void Stop();

  ShmStats stats() const;

 private:
  ShmServer() = default;

  std::unique_ptr<ShmSessions> sessions_;
  std::unique_ptr<ShmEnvironment> environment_;
  std::unique_ptr<ShmService> service_;
  std::unique_ptr<ShmLines> lines_;
  std::unique_ptr<ShmDoor> door_;
};

}  // namespace halflife
