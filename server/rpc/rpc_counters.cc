#include "server/rpc/rpc_counters.h"

#include <algorithm>

namespace halflife {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

constexpr std::array<std::string_view, kRpcMethodCount> kMethodNames = {
    "OpenNamespace", "Lookup", "Get",   "Fetch",  "Put",
    "Release",       "Renew",  "Touch", "Delete", "Hint"};
constexpr std::array<std::string_view, kRpcCodeCount> kCodeNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

}  // namespace

std::string_view RpcMethodName(RpcMethod method) { return kMethodNames[static_cast<int>(method)]; }

std::string_view RpcCodeName(int code) {
  return code >= 0 && code < kRpcCodeCount ? kCodeNames[code] : std::string_view("UNKNOWN");
}

void RpcCounters::CountStart(RpcMethod method) {
  methods[static_cast<int>(method)].started.fetch_add(1, kRelaxed);
}

void RpcCounters::CountEnd(RpcMethod method, absl::StatusCode code, int64_t latency_ns) {
  Method& counters = methods[static_cast<int>(method)];
  const int number = std::clamp(static_cast<int>(code), 0, kRpcCodeCount - 1);
  counters.handled[number].fetch_add(1, kRelaxed);
  counters.latency_ns.Record(static_cast<uint64_t>(std::max<int64_t>(latency_ns, 0)));
  counters.finished.fetch_add(1, kRelaxed);
}

void RpcCounters::AddTo(RpcStats& stats) const {
  for (int i = 0; i < kRpcMethodCount; ++i) {
    // `finished` first: a call that starts and ends in between must not make `open` negative.
    const uint64_t finished = methods[i].finished.load(kRelaxed);
    stats.methods[i].started = methods[i].started.load(kRelaxed);
    stats.methods[i].open = stats.methods[i].started - std::min(finished, stats.methods[i].started);
    for (int code = 0; code < kRpcCodeCount; ++code) {
      stats.methods[i].handled[code] = methods[i].handled[code].load(kRelaxed);
    }
    stats.methods[i].latency_ns = methods[i].latency_ns.snapshot();
  }
  stats.refused_io_queue = refused_io_queue.load(kRelaxed);
  stats.refused_draining = refused_draining.load(kRelaxed);
  stats.stalled_streams = stalled_streams.load(kRelaxed);
  stats.expired_calls = expired_calls.load(kRelaxed);
  stats.slow_puts = slow_puts.load(kRelaxed);
  stats.swallowed_put_bytes = swallowed_put_bytes.load(kRelaxed);
}

}  // namespace halflife
