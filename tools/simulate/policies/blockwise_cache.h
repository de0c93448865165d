#pragma once

#include <cstddef>
#include <cstdint>

#include "tools/simulate/simulated_cache.h"

namespace halflife::tools {

// A cache whose policy knows blocks, not requests: every published baseline. A request's blocks are
// referenced tail first, so that where order matters the head of a chain stays longest. Not
// thread-safe.
class BlockwiseCache : public SimulatedCache {
 public:
  size_t Serve(const SimulatedRequest& request) final {
    size_t hits = 0;
    while (hits < request.blocks.size() && Holds(request.blocks[hits])) ++hits;
    for (size_t i = request.blocks.size(); i-- > 0;) Reference(request.blocks[i]);
    return hits;
  }

  virtual bool Holds(uint32_t block) const = 0;
  // Blocks held; never more than the capacity.
  virtual size_t size() const = 0;

 private:
  // Hit or miss, as the policy treats it; a miss inserts the block, as far as the policy admits it.
  virtual void Reference(uint32_t block) = 0;
};

}  // namespace halflife::tools
