#pragma once

#include <cstdint>
#include <optional>

#include "tools/output/report.h"
#include "tools/replay/replay.h"

namespace halflife::tools {

// What the daemon did during a replay: differences of its counters.
struct DaemonWork {
  uint64_t evicted_dram_blocks = 0, evicted_ssd_blocks = 0;
  uint64_t demoted_blocks = 0, promoted_blocks = 0;
  uint64_t corrupt_blocks = 0;
};

// Tables: replay (a record), categories, calls, misses. Without `work` the daemon's counters are
// "not known".
Report MakeReplayReport(const ReplayResult& result, const std::optional<DaemonWork>& work);

}  // namespace halflife::tools
