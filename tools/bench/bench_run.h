#pragma once

#include <atomic>
#include <functional>

#include "common/clock.h"
#include "tools/bench/bench_options.h"
#include "tools/bench/bench_tally.h"
#include "tools/replay/block_service.h"

namespace halflife::tools {

struct BenchResult {
  BenchTally tally;
  double seconds = 0;       // that were measured
  double client_cpu_s = 0;  // of this process in that time
  bool interrupted = false;
  // Of the Put that ended the filling, if one failed: then nothing was measured.
  client::Outcome fill = client::Outcome::kOk;
};

// What a run is told and tells while it is under way.
struct BenchWatch {
  const std::atomic<bool>* interrupted = nullptr;  // true: end now
  // Called ten times a second on the caller's thread; may be empty.
  std::function<void(const char* phase, double share)> progress;
};

// Fills the working set, warms up, measures. What it has put stays: the caller deletes the
// namespace. Borrows all.
BenchResult RunBench(BlockService& service, const client::NamespaceHandle& ns,
                     const BenchOptions& options, const BenchWatch& watch, const Clock& clock);

}  // namespace halflife::tools
