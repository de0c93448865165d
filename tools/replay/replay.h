#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "absl/status/statusor.h"
#include "common/clock.h"
#include "tools/replay/block_service.h"
#include "tools/replay/tally.h"
#include "tools/replay/worker.h"
#include "tools/trace/request.h"

namespace halflife::tools {

struct ReplayOptions {
  WorkerOptions worker;
  int concurrency = 4;  // workers, each with one request under way
  uint64_t limit = 0;   // requests; 0 = all
  // Open loop: requests start at their time in the trace divided by `speed`, or as soon after it as
  // a worker is free (counted as lateness). 0 = closed loop: each worker starts the next request
  // when its last one has ended.
  double speed = 0;
  std::function<void(double share, uint64_t requests)>
      progress;  // called between requests; may be empty
  // Told the time of each request in the trace when a worker begins it, counted from the first one;
  // may be empty. Only with one worker is that the time for all of the request.
  std::function<void(double elapsed_s)> at_time;
};

struct ReplayResult {
  Tally tally;
  double seconds = 0;  // wall-clock
};

// Replays a trace. Borrows source and service. Returns: what source.Next returns; what was replayed
// up to then is lost.
absl::StatusOr<ReplayResult> Replay(RequestSource& source, BlockService& service,
                                    const ReplayOptions& options, const Clock& clock);

// When a request of an open loop is due: nanoseconds after the start of the replay.
int64_t DueNanos(double time_s, double first_time_s, double speed);

}  // namespace halflife::tools
