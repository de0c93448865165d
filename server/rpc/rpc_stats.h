#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/status/status.h"
#include "common/histogram.h"

namespace halflife {

// Methods of CacheService, in the order of the .proto file.
enum class RpcMethod : uint8_t {
  kOpenNamespace = 0,
  kLookup,
  kGet,
  kFetch,
  kPut,
  kRelease,
  kRenew,
  kTouch,
  kDelete,
  kHint,
};
inline constexpr int kRpcMethodCount = 10;
inline constexpr int kRpcCodeCount = 17;           // gRPC status codes 0..16
std::string_view RpcMethodName(RpcMethod method);  // "OpenNamespace", …
std::string_view RpcCodeName(int code);            // "OK", "INVALID_ARGUMENT", …

// Counters of one method since start.
struct RpcMethodStats {
  uint64_t started = 0;
  uint64_t open = 0;                              // under way now
  std::array<uint64_t, kRpcCodeCount> handled{};  // by status code
  Histogram::Snapshot latency_ns;                 // of finished calls
};

struct RpcStats {
  std::array<RpcMethodStats, kRpcMethodCount> methods;  // by RpcMethod
  uint64_t inflight_get_bytes = 0;                      // reserved by open Gets and Fetches
  uint64_t inflight_put_bytes = 0;                      // reserved by open Puts
  uint64_t frame_bytes = 0;        // block bytes that gRPC's send buffers refer to now
  uint64_t refused_get_bytes = 0;  // calls refused for want of in-flight bytes
  uint64_t refused_put_bytes = 0;
  uint64_t refused_io_queue = 0;  // calls refused because the I/O queue was full
  uint64_t refused_draining = 0;
  uint64_t stalled_streams = 0;      // cut for want of progress
  uint64_t expired_calls = 0;        // ended by the server's own deadline
  uint64_t slow_puts = 0;            // cut because their peer sent too slowly
  uint64_t swallowed_put_bytes = 0;  // payload received for blocks that were not wanted
  uint64_t connections_open = 0;
  uint64_t connections_accepted = 0;
  uint64_t connections_refused = 0;  // above the limit
  uint64_t peers_refused = 0;        // connections of users who are not allowed

  uint64_t open_streams() const {
    return methods[static_cast<int>(RpcMethod::kGet)].open +
           methods[static_cast<int>(RpcMethod::kFetch)].open +
           methods[static_cast<int>(RpcMethod::kPut)].open;
  }
};

}  // namespace halflife
