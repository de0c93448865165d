#pragma once

#include <string>
#include <vector>

#include "tools/bench/bench_run.h"
#include "tools/output/report.h"

namespace halflife::tools {

// One run with what the command knows about it.
struct BenchRow {
  BenchOptions options;
  BenchResult result;
  std::string path;  // that the calls took: "shm", "unix", "tcp" or "mixed"
  bool verify = true;
  bool fetch = false;  // Gets were Fetches
};

// Tables `calls` (throughput and latencies), `outcomes`, and `runs`.
Report MakeBenchReport(const std::vector<BenchRow>& rows);

}  // namespace halflife::tools
