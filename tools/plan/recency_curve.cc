#include "tools/plan/recency_curve.h"

#include <algorithm>

namespace halflife::tools {
namespace {

constexpr uint32_t kNever = UINT32_MAX;

// Sums over a prefix of numbers that change (Fenwick, "A new data structure for cumulative
// frequency tables", Software: Practice and Experience 24(3), 1994).
class PrefixSums {
 public:
  explicit PrefixSums(size_t count) : sums_(count + 1) {}

  void Add(size_t at, int64_t change) {
    for (size_t i = at + 1; i < sums_.size(); i += i & -i) sums_[i] += change;
  }
  // Of the first `count` numbers.
  int64_t SumOfFirst(size_t count) const {
    int64_t sum = 0;
    for (size_t i = count; i > 0; i -= i & -i) sum += sums_[i];
    return sum;
  }

 private:
  std::vector<int64_t> sums_;
};

class StackDistances {
 public:
  StackDistances(const SimulatedTrace& trace, const GapCounts& weights)
      : trace_(trace),
        weights_(weights),
        last_request_(trace.block_count(), kNever),
        touched_last_by_(trace.requests.size()),
        slope_(trace.block_count() + 2) {}

  RecencyCurve Run() {
    for (uint32_t r = 0; r < trace_.requests.size(); ++r) Add(r);
    for (size_t c = 1; c < slope_.size(); ++c) slope_[c] += slope_[c - 1];
    slope_.pop_back();
    return RecencyCurve(lookups_, slope_);
  }

 private:
  void Add(uint32_t r) {
    const auto& request = trace_.requests[r];
    const auto blocks = trace_.BlocksOf(request);
    uint32_t i = 0;
    while (i < blocks.size() && last_request_[blocks[i]] != kNever) i = AddRun(r, i);
    const auto counted_from = std::max(i, request.absorbed);
    lookups_ += weights_[kNeverTouched] * (request.count - counted_from);
    touched_last_by_.Add(r, static_cast<int64_t>(blocks.size()) - i);
    touched_ += static_cast<int64_t>(blocks.size()) - i;
    for (const uint32_t block : blocks) last_request_[block] = r;
  }

  // The run of blocks from `begin` on that one request touched last. Returns its end.
  uint32_t AddRun(uint32_t r, uint32_t begin) {
    const auto& request = trace_.requests[r];
    const auto blocks = trace_.BlocksOf(request);
    const uint32_t last = last_request_[blocks[begin]];
    uint32_t end = begin + 1;
    while (end < blocks.size() && last_request_[blocks[end]] == last) ++end;
    // Touched since: all blocks of later requests, then those of `last` above it in the chain,
    // which are the run itself, because whoever came to a block came to its ancestors. The
    // ancestors above the run now count for `r`, and counted for a request later than `last`
    // before.
    const int64_t later = touched_ - touched_last_by_.SumOfFirst(last + 1);
    const uint32_t counted = std::clamp(request.absorbed, begin, end);
    const double weight = weights_[GapBinOf(trace_.requests[last].time_ns, request.time_ns)];
    slope_[later + 1 + (counted - begin)] += weight;
    slope_[later + 1 + (end - begin)] -= weight;
    lookups_ += weight * (end - counted);
    touched_last_by_.Add(last, static_cast<int64_t>(begin) - end);
    touched_last_by_.Add(r, static_cast<int64_t>(end) - begin);
    return end;
  }

  const SimulatedTrace& trace_;
  const GapCounts& weights_;
  std::vector<uint32_t> last_request_;  // by block
  PrefixSums touched_last_by_;          // number of blocks, by request
  int64_t touched_ = 0;
  double lookups_ = 0;
  std::vector<double> slope_;  // by capacity: change of what is added
};

}  // namespace

RecencyCurve::RecencyCurve(double lookup_blocks, const std::vector<double>& added)
    : lookup_blocks_(lookup_blocks) {
  double hits = 0;
  hits_at_.reserve(added.size());
  for (const double more : added) hits_at_.push_back(hits += more);
}

double RecencyCurve::HitsAt(size_t capacity_blocks) const {
  if (hits_at_.empty()) return 0;
  return hits_at_[std::min(capacity_blocks, hits_at_.size() - 1)];
}

double RecencyCurve::HitRatioAt(size_t capacity_blocks) const {
  return lookup_blocks_ > 0 ? HitsAt(capacity_blocks) / lookup_blocks_ : 0;
}

RecencyCurve ExactRecencyCurve(const SimulatedTrace& trace) {
  GapCounts ones;
  ones.fill(1);
  return WeightedRecencyCurve(trace, ones);
}

RecencyCurve WeightedRecencyCurve(const SimulatedTrace& trace, const GapCounts& weights) {
  return StackDistances(trace, weights).Run();
}

}  // namespace halflife::tools
