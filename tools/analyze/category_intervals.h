#pragma once

#include <cstdint>
#include <vector>

#include "storage/residency/categories/observation_table.h"
#include "tools/analyze/category_requests.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// When the blocks of every request of a trace were used again, and by whom. Without those that were
// heads shared by many sessions, as in TraceAnalysis: they are touched all the time, whoever
// touched them last.
class CategoryIntervals {
 public:
  struct Reuse {
    uint32_t opened_by = 0;  // requests
    uint32_t closed_by = 0;
    uint32_t blocks = 0;
  };

  explicit CategoryIntervals(const SimulatedTrace& trace);

  // In the order of the trace.
  absl::Span<const Reuse> ReusesOf(uint32_t request) const;
  // That are no shared heads.
  uint32_t OwnBlocksOf(uint32_t request) const { return own_blocks_[request]; }

  // Requests [first, end) as they looked at `seen_until_ns`, which is not before the last of them.
  ObservationTable Observe(const CategoryRequests& requests, uint32_t first, uint32_t end,
                           int64_t seen_until_ns) const;

 private:
  const SimulatedTrace& trace_;
  std::vector<Reuse> reuses_;          // by opened_by
  std::vector<uint32_t> first_reuse_;  // by request, and one more
  std::vector<uint32_t> own_blocks_;   // by request
};

}  // namespace halflife::tools
