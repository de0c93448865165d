#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "common/histogram.h"
#include "server/rpc/rpc_stats.h"

namespace halflife {

// What RpcStats is made of. Lock-free, thread-safe.
struct RpcCounters {
  struct Method {
    std::atomic<uint64_t> started{0};
    std::atomic<uint64_t> finished{0};
    std::array<std::atomic<uint64_t>, kRpcCodeCount> handled{};
    Histogram latency_ns;
  };
  std::array<Method, kRpcMethodCount> methods;
  std::atomic<uint64_t> refused_io_queue{0};
  std::atomic<uint64_t> refused_draining{0};
  std::atomic<uint64_t> stalled_streams{0};
  std::atomic<uint64_t> expired_calls{0};
  std::atomic<uint64_t> slow_puts{0};
  std::atomic<uint64_t> swallowed_put_bytes{0};

  void CountStart(RpcMethod method);
  void CountEnd(RpcMethod method, absl::StatusCode code, int64_t latency_ns);
  // Only the fields that are counted here.
  void AddTo(RpcStats& stats) const;
};

}  // namespace halflife
