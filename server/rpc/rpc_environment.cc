#include "server/rpc/rpc_environment.h"

#include <grpc/support/time.h>
#include <grpcpp/server_context.h>

#include <algorithm>

#include "proto/wire/grpc_status.h"

namespace halflife {
namespace {

// `task` is destroyed before `hold`, also if the executor drops it: once nothing is held, no task
// keeps a block. The hold is shared because std::function wants copyable closures.
struct IoTask {
  std::shared_ptr<InFlight::Hold> hold;
  std::function<void()> task;
  void operator()() { std::exchange(task, nullptr)(); }
};

}  // namespace

absl::Status RpcEnvironment::SubmitIo(std::function<void()> task) {
  auto hold = std::make_shared<InFlight::Hold>(*io_tasks.TryHold(0));
  if (io.Submit(IoTask{std::move(hold), std::move(task)})) return absl::OkStatus();
  counters.refused_io_queue.fetch_add(1, std::memory_order_relaxed);
  return WithRetryDelay(absl::ResourceExhaustedError("I/O queue is full"), kRetryDelay);
}

int64_t RpcEnvironment::DeadlineNanos(const grpc::ServerContextBase& context) const {
  // gRPC states deadlines on its own clock: the time left is what can be carried over to ours.
  const gpr_timespec deadline = context.raw_deadline();
  absl::Duration left = options.default_deadline;
  if (gpr_time_cmp(deadline, gpr_inf_future(deadline.clock_type)) != 0) {
    const gpr_timespec span = gpr_time_sub(deadline, gpr_now(deadline.clock_type));
    left = absl::Seconds(span.tv_sec) + absl::Nanoseconds(span.tv_nsec);
  }
  return clock.NowNanos() + absl::ToInt64Nanoseconds(std::min(left, options.max_deadline));
}

absl::Status DrainingError() {
  return absl::UnavailableError("draining: this daemon is going away");
}

absl::Status DeadlineError() { return absl::DeadlineExceededError("deadline of the call is over"); }

}  // namespace halflife
