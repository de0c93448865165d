#include "tools/plan/gap_counts.h"

#include <vector>

namespace halflife::tools {

GapCounts LookupsByGap(const SimulatedTrace& trace) {
  constexpr int64_t kNever = -1;
  GapCounts counts{};
  std::vector<int64_t> last_ns(trace.block_count(), kNever);
  for (const auto& request : trace.requests) {
    const auto blocks = trace.BlocksOf(request);
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      int64_t& last = last_ns[blocks[i]];
      const int bin = last == kNever ? kNeverTouched : GapBinOf(last, request.time_ns);
      if (i >= request.absorbed) counts[bin] += 1;
      last = request.time_ns;
    }
  }
  return counts;
}

}  // namespace halflife::tools
