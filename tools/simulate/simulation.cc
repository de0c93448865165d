#include "tools/simulate/simulation.h"

#include <algorithm>

namespace halflife::tools {
namespace {

constexpr size_t kServedInterval = 256;  // requests

// Sum of RecomputeValue over depths [first, end).
double ValueOf(uint64_t first, uint64_t end, uint32_t block_tokens) {
  if (end <= first) return 0;
  const auto count = static_cast<double>(end - first);
  const double depths = count * static_cast<double>(first + end - 1) / 2;
  return count + depths * block_tokens / kTokensThatDoubleTheCost;
}

}  // namespace

SimulationResult Simulate(const SimulatedTrace& trace, SimulatedCache& cache, bool second_half_only,
                          const std::function<void(uint64_t)>& served) {
  SimulationResult result;
  SsdCounts before;
  const size_t counted_from = second_half_only ? trace.requests.size() / 2 : 0;
  for (size_t i = 0; i < trace.requests.size(); ++i) {
    if (i == counted_from) before = cache.ssd_counts();
    const auto& request = trace.requests[i];
    const uint64_t hits = cache.Serve(trace.View(request));
    if (served && (i + 1) % kServedInterval == 0) served(kServedInterval);
    if (i < counted_from) continue;
    result.lookup_blocks += request.count - request.absorbed;
    result.lookup_value += ValueOf(request.absorbed, request.count, trace.block_tokens);
    if (hits <= request.absorbed) continue;
    result.hit_blocks += hits - request.absorbed;
    result.hit_value += ValueOf(request.absorbed, hits, trace.block_tokens);
  }
  if (served) served(trace.requests.size() % kServedInterval);
  const SsdCounts after = cache.ssd_counts();
  result.ssd_hit_blocks = after.hit_blocks - before.hit_blocks;
  result.ssd_written_blocks = after.written_blocks - before.written_blocks;
  result.ssd_refused_blocks = after.refused_blocks - before.refused_blocks;
  result.ssd_most_in_a_minute_blocks = after.most_in_a_minute_blocks;
  return result;
}

}  // namespace halflife::tools
