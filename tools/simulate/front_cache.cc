#include "tools/simulate/front_cache.h"

#include "tools/simulate/policies/baselines.h"

namespace halflife::tools {

SimulatedTrace WithFrontCache(const SimulatedTrace& trace, size_t capacity_blocks) {
  SimulatedTrace rest;
  rest.block_tokens = trace.block_tokens;
  rest.parent = trace.parent;
  rest.depth = trace.depth;
  rest.category_names = trace.category_names;
  const auto front = MakeLruCache({.trace = &trace, .capacity_blocks = capacity_blocks});
  for (const auto& request : trace.requests) {
    const auto hits = static_cast<uint32_t>(front->Serve(trace.View(request)));
    if (hits == request.count) continue;
    SimulatedTrace::RequestSpan seen = request;
    seen.first = rest.references.size();
    seen.absorbed = hits;
    rest.requests.push_back(seen);
    const auto blocks = trace.BlocksOf(request);
    rest.references.insert(rest.references.end(), blocks.begin(), blocks.end());
  }
  return rest;
}

}  // namespace halflife::tools
