#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/simulate/simulated_cache.h"
#include "tools/trace/request.h"

namespace halflife::tools {

inline constexpr uint32_t kNoBlock = UINT32_MAX;

// A whole trace in the form a simulated cache reads: blocks as dense numbers, all requests' blocks
// in one flat vector. 4 bytes per reference and about 8 per unique block. Immutable once loaded, so
// that many simulations share it.
struct SimulatedTrace {
  struct RequestSpan {
    int64_t time_ns = 0;  // never decreasing
    uint64_t first = 0;   // of its blocks in `references`
    uint32_t count = 0;
    // The first so many of its blocks were found in a cache in front of this one (WithFrontCache):
    // they are neither looked up nor hits here.
    uint32_t absorbed = 0;
    uint32_t session = 0;  // dense number; a request of unknown session has one of its own
    Category category = kUnknownCategory;
    bool released = false;  // MarkReleases
  };

  uint32_t block_tokens = 0;
  std::vector<RequestSpan> requests;  // those with a full block
  std::vector<uint32_t> references;
  std::vector<uint32_t> parent;             // of every block; kNoBlock for a first block
  std::vector<uint32_t> depth;              // of every block; 0 for a first block
  std::vector<std::string> category_names;  // by Category; kUnknownCategory is the rest

  size_t block_count() const { return parent.size(); }

  absl::Span<const uint32_t> BlocksOf(const RequestSpan& request) const {
    return absl::MakeConstSpan(references).subspan(request.first, request.count);
  }
  SimulatedRequest View(const RequestSpan& request) const {
    return {request.time_ns, request.category, BlocksOf(request), request.released};
  }
};

// Called now and then with the source's progress and the number of requests so far.
using LoadProgress = std::function<void(double share, uint64_t requests)>;

// Reads `source` to its end. A block is its id *and* its parent: should a trace name one id under
// two parents, these are two blocks, as they would be under chained hashes. Requests without a full
// block are left out; a time that goes back counts as the time before it.
// Returns: what RequestSource::Next returns; kInvalidArgument if there is no full block, or more
// than 2^31 references.
absl::StatusOr<SimulatedTrace> LoadSimulatedTrace(RequestSource& source,
                                                  const LoadProgress& progress = {});

}  // namespace halflife::tools
