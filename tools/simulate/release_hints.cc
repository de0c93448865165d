#include "tools/simulate/release_hints.h"

#include <random>

namespace halflife::tools {

void MarkReleases(double share, uint64_t seed, SimulatedTrace* trace) {
  std::vector<uint32_t> last_named(trace->block_count());
  for (uint32_t r = 0; r < trace->requests.size(); ++r) {
    for (const uint32_t block : trace->BlocksOf(trace->requests[r])) last_named[block] = r;
  }
  std::mt19937_64 random(seed);
  std::bernoulli_distribution is_told(share);
  for (uint32_t r = 0; r < trace->requests.size(); ++r) {
    auto& request = trace->requests[r];
    const bool ends = last_named[trace->BlocksOf(request).back()] == r;
    request.released = is_told(random) && ends;
  }
}

}  // namespace halflife::tools
