#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "server/rpc/inflight.h"
#include "server/rpc/rpc_counters.h"
#include "server/rpc/rpc_server.h"
#include "server/rpc/stream_watch.h"
#include "server/rpc/tier_rates.h"

namespace grpc {
class ServerContextBase;
}

namespace halflife {

// What all calls of one server share. Kept alive by each call; borrows what Parts borrows.
// Thread-safe.
struct RpcEnvironment {
  RpcEnvironment(const RpcServer::Options& server_options, const RpcServer::Parts& parts)
      : options(server_options),
        store(*parts.store),
        io(*parts.io),
        clock(*parts.clock),
        get_bytes(server_options.max_inflight_get_bytes),
        put_bytes(server_options.max_inflight_put_bytes) {}

  // Constant after construction.
  const RpcServer::Options options;
  BlockStore& store;
  Executor& io;
  const Clock& clock;

  RpcCounters counters;
  InFlight get_bytes;    // blocks being sent by open Gets, and their read-ahead
  InFlight put_bytes;    // buffers of open Puts
  InFlight frame_bytes;  // slices of blocks in gRPC's hands
  InFlight io_tasks;     // tasks that refer to the store
  InFlight calls;        // under way
  StreamWatch watch;
  TierRates rates;  // of reads, as Gets find them
  std::atomic<bool> draining{false};

  // Runs `task` on the I/O executor. Returns: kResourceExhausted with a retry delay if its queue is
  // full.
  absl::Status SubmitIo(std::function<void()> task);
  // Clock time at which a call ends: its own deadline, or the default one, at most max_deadline
  // from now.
  int64_t DeadlineNanos(const grpc::ServerContextBase& context) const;
};
using RpcEnvironmentRef = std::shared_ptr<RpcEnvironment>;

// What a caller without room should wait before it tries again.
inline constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

absl::Status DrainingError();
absl::Status DeadlineError();

}  // namespace halflife
