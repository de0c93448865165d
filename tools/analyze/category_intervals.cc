#include "tools/analyze/category_intervals.h"

#include <algorithm>

#include "tools/analyze/last_touches.h"

namespace halflife::tools {
namespace {

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) * 1e-9;
}

}  // namespace

CategoryIntervals::CategoryIntervals(const SimulatedTrace& trace) : trace_(trace) {
  const auto count = static_cast<uint32_t>(trace.requests.size());
  LastTouches touches(trace);
  for (uint32_t r = 0; r < count; ++r) {
    touches.VisitReuses(r, [&](uint32_t last, uint32_t /*first*/, uint32_t shared, uint32_t end) {
      if (end > shared) reuses_.push_back({last, r, end - shared});
    });
    touches.Touch(r);
    own_blocks_.push_back(static_cast<uint32_t>(trace.requests[r].count) - touches.shared_until(r));
  }
  std::stable_sort(reuses_.begin(), reuses_.end(),
                   [](const Reuse& a, const Reuse& b) { return a.opened_by < b.opened_by; });
  first_reuse_.assign(count + 1, 0);
  for (const Reuse& reuse : reuses_) ++first_reuse_[reuse.opened_by + 1];
  for (uint32_t r = 0; r < count; ++r) first_reuse_[r + 1] += first_reuse_[r];
}

absl::Span<const CategoryIntervals::Reuse> CategoryIntervals::ReusesOf(uint32_t request) const {
  return absl::MakeConstSpan(reuses_).subspan(first_reuse_[request],
                                              first_reuse_[request + 1] - first_reuse_[request]);
}

ObservationTable CategoryIntervals::Observe(const CategoryRequests& requests, uint32_t first,
                                            uint32_t end, int64_t seen_until_ns) const {
  ObservationTable table;
  for (uint32_t r = first; r < end; ++r) {
    const auto& request = trace_.requests[r];
    const double one = 1.0 / request.count;
    uint32_t open = own_blocks_[r];
    table.StartRequest(requests.requests[r].levels);
    for (const Reuse& reuse : ReusesOf(r)) {
      const int64_t closed_ns = trace_.requests[reuse.closed_by].time_ns;
      if (closed_ns > seen_until_ns) continue;
      table.AddReused(SecondsBetween(request.time_ns, closed_ns), reuse.blocks * one);
      open -= reuse.blocks;
    }
    if (open > 0) table.AddCensored(SecondsBetween(request.time_ns, seen_until_ns), open * one);
  }
  return table;
}

}  // namespace halflife::tools
