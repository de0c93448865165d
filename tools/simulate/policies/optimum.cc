#include <vector>

#include "storage/residency/live/chain_optimum.h"
#include "tools/simulate/policies/baselines.h"

namespace halflife::tools {
namespace {

// The offline optimum for prefix chains (ChainOptimum), over a whole trace.
class OptimalCache final : public SimulatedCache {
 public:
  explicit OptimalCache(const CacheSetup& setup)
      : ends_(EndsOf(*setup.trace)),
        optimum_(setup.trace->references, ends_, setup.block_count(), setup.capacity_blocks) {}

  size_t Serve(const SimulatedRequest&) override { return optimum_.ServeNext(); }

 private:
  static std::vector<uint64_t> EndsOf(const SimulatedTrace& trace) {
    std::vector<uint64_t> ends;
    ends.reserve(trace.requests.size());
    for (const auto& request : trace.requests) ends.push_back(request.first + request.count);
    return ends;
  }

  const std::vector<uint64_t> ends_;
  ChainOptimum optimum_;
};

}  // namespace

std::unique_ptr<SimulatedCache> MakeOptimalCache(const CacheSetup& setup) {
  return std::make_unique<OptimalCache>(setup);
}

}  // namespace halflife::tools
