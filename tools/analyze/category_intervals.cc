#include "tools/analyze/category_intervals.h"

#include <algorithm>

namespace halflife::tools {
namespace {

constexpr uint32_t kNever = UINT32_MAX;
// A block that came to another session than its last one this often is a shared head.
constexpr uint8_t kSharedHits = 8;

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) * 1e-9;
}

}  // namespace

class CategoryIntervals::Collector {
 public:
  explicit Collector(CategoryIntervals& result)
      : result_(result),
        trace_(result.trace_),
        last_request_(trace_.block_count(), kNever),
        shared_hits_(trace_.block_count()),
        shared_until_(trace_.requests.size()) {}

  void Add(uint32_t r) {
    const auto blocks = trace_.BlocksOf(trace_.requests[r]);
    // Neighbours in a chain mostly were touched last by one and the same request.
    for (uint32_t i = 0; i < blocks.size();) {
      const uint32_t last = last_request_[blocks[i]];
      uint32_t end = i + 1;
      while (end < blocks.size() && last_request_[blocks[end]] == last) ++end;
      if (last != kNever) {
        const uint32_t shared = std::clamp(shared_until_[last], i, end);
        if (end > shared) result_.reuses_.push_back({last, r, end - shared});
      }
      i = end;
    }
    Touch(r, blocks);
  }

 private:
  void Touch(uint32_t r, absl::Span<const uint32_t> blocks) {
    const uint32_t session = trace_.requests[r].session;
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      const uint32_t last = last_request_[blocks[i]];
      uint8_t& shared_hits = shared_hits_[blocks[i]];
      if (last != kNever && trace_.requests[last].session != session && shared_hits < kSharedHits) {
        ++shared_hits;
      }
      last_request_[blocks[i]] = r;
      // Whoever comes to a block comes to those above it: shared blocks are a prefix.
      if (shared_hits == kSharedHits && shared_until_[r] == i) shared_until_[r] = i + 1;
    }
    result_.own_blocks_.push_back(static_cast<uint32_t>(blocks.size()) - shared_until_[r]);
  }

  CategoryIntervals& result_;
  const SimulatedTrace& trace_;
  // By block.
  std::vector<uint32_t> last_request_;
  std::vector<uint8_t> shared_hits_;
  std::vector<uint32_t> shared_until_;  // by request
};

CategoryIntervals::CategoryIntervals(const SimulatedTrace& trace) : trace_(trace) {
  Collector collector(*this);
  const auto count = static_cast<uint32_t>(trace.requests.size());
  for (uint32_t r = 0; r < count; ++r) collector.Add(r);
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
