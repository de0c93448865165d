#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "absl/types/span.h"
#include "common/block/attributes.h"

namespace halflife::tools {

// One request as a simulated cache sees it. Blocks are dense numbers, counted from 0 in the order
// in which the trace first names them; an id names a block and its whole prefix, so blocks[i - 1]
// is the parent of blocks[i] in every request.
struct SimulatedRequest {
  int64_t time_ns = 0;
  Category category = kUnknownCategory;  // small dense number; what it stands for is the loader's
  absl::Span<const uint32_t> blocks;     // full blocks, first block first
  bool released = false;                 // its caller says afterwards that nobody comes back to it
};

// What a cache with an SSD tier has done with it so far; zero for one tier. Counts only grow.
struct SsdCounts {
  uint64_t hit_blocks = 0;      // hits that had to be read from SSD
  uint64_t written_blocks = 0;  // block writes to SSD
  uint64_t refused_blocks = 0;  // left DRAM and were not written, for want of a write budget
  uint64_t most_in_a_minute_blocks = 0;  // most writes in one minute of the trace, from its start
};

// A cache of a fixed number of blocks (all blocks of a trace have the same size), driven by the
// requests of a trace in order. Not thread-safe.
class SimulatedCache {
 public:
  virtual ~SimulatedCache() = default;

  // Serves one request: its hits are its longest resident prefix; afterwards all its blocks have
  // been inserted, as far as the policy admits them. Returns the number of hit blocks.
  virtual size_t Serve(const SimulatedRequest& request) = 0;

  virtual SsdCounts ssd_counts() const { return {}; }
};

}  // namespace halflife::tools
