#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/limits.h"
#include "server/rpc/rpc_stats.h"
#include "storage/block_store.h"

namespace grpc {
class Service;
}

namespace halflife {

// The gRPC face of one node: CacheService over a BlockStore, health and reflection, on a Unix
// socket and, if asked, on TCP. It owns sockets, calls and their accounting; it neither stores nor
// chooses blocks. Thread-safe.
//
// (Start SetServing* BeginDrain? Shutdown)
class RpcServer {
 public:
  struct Options {
    // Absolute path of the Unix socket, at most 107 bytes; empty = none. The socket gets mode 0660.
    std::string unix_path;
    // A socket file that a dead server left behind is removed only on this word. The caller must
    // hold the lock that proves it is stale; without it a file at unix_path is kFailedPrecondition.
    bool remove_stale_socket = false;
    // "host:port" with a numeric host (port 0 = any); empty = none. Plaintext: the caller decides
    // where that is allowed.
    std::string tcp_address;
    // Bytes of blocks that open Gets and Puts may hold together; beyond them calls are refused
    // before payload is read. One call is always admitted. Raise with many concurrent readers of
    // large blocks.
    uint64_t max_inflight_get_bytes = uint64_t{256} << 20;
    uint64_t max_inflight_put_bytes = uint64_t{256} << 20;
    int max_streams_per_connection = 64;                 // 1..128
    int max_connections = 512;                           // 1..8192, both sockets together
    absl::Duration default_deadline = kDefaultDeadline;  // of calls that bring none
    absl::Duration max_deadline = kMaxDeadline;          // later deadlines are cut to this
    // A stream without progress by its peer for this long is cancelled and its blocks are let go.
    absl::Duration stall_timeout = absl::Seconds(5);
    // The pace below which a Put is cut, which holds a buffer of the arena: bytes per second of
    // waiting for its peer, after the grace, for each block. 0 = none.
    uint64_t min_put_bytes_per_s = uint64_t{1} << 20;
    absl::Duration min_put_grace = absl::Seconds(1);
    // Who may connect to the Unix socket beside this process's own user and root.
    std::vector<uint32_t> allowed_uids;
    std::vector<uint32_t> allowed_gids;
    absl::Duration keepalive_time = absl::Seconds(10);
    absl::Duration keepalive_timeout = absl::Seconds(5);

    // Returns: kInvalidArgument naming the option, its value and its bounds.
    absl::Status Validate() const;
  };

  struct ExtraService {
    std::string name;  // full, for reflection
    grpc::Service* service = nullptr;
  };
  // What it serves. Borrowed; all outlive the server. Blocking calls of `store` run on `io`,
  // nowhere else.
  struct Parts {
    BlockStore* store = nullptr;
    Executor* io = nullptr;
    const Clock* clock = &Clock::Real();
    // Of gRPC's callback API: a synchronous one would bring a poller that is in everybody's way.
    std::vector<ExtraService> extra_services;
  };

  // Listens and answers from now on; health says "liveness" serving, "readiness" and "" not serving
  // until SetServing(true). Returns: kInvalidArgument (options), kFailedPrecondition (socket file
  // in the way), kUnavailable (cannot bind: the message names address and reason).
  static absl::StatusOr<std::unique_ptr<RpcServer>> Start(const Options& options,
                                                          const Parts& parts);
  virtual ~RpcServer() = default;  // Shutdown(0) if that was not called

  // Health of "readiness" and "".
  virtual void SetServing(bool ready) = 0;
  // New CacheService calls get UNAVAILABLE from now on; those under way go on. Readiness turns to
  // not serving.
  virtual void BeginDrain() = 0;
  // Stops accepting, lets calls finish for `grace`, cancels the rest, and returns when nothing
  // refers to the store any more. Removes the socket file. Idempotent.
  virtual void Shutdown(absl::Duration grace) = 0;

  // The bound TCP port; 0 without TCP.
  virtual int tcp_port() const = 0;
  virtual RpcStats stats() const = 0;

 protected:
  RpcServer() = default;
};

}  // namespace halflife
