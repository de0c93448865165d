#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Which request touched each block of a trace last, and which blocks of a request were shared heads
// then: blocks that had come to another session than their last one kSharedHits times. Requests are
// given in the order of the trace. Not thread-safe.
class LastTouches {
 public:
  static constexpr uint32_t kNever = UINT32_MAX;

  explicit LastTouches(const SimulatedTrace& trace)
      : trace_(trace),
        last_request_(trace.block_count(), kNever),
        shared_hits_(trace.block_count()),
        shared_until_(trace.requests.size()) {}

  // Who touched this block last; kNever if nobody has.
  uint32_t RequestOf(uint32_t block) const { return last_request_[block]; }
  // The request's blocks before this one were shared heads when it touched them.
  uint32_t shared_until(uint32_t request) const { return shared_until_[request]; }

  // Calls visit(last, first, shared, end) for each run [first, end) of the request's known blocks
  // that one request, `last`, touched last; those below `shared` were shared heads then.
  template <typename Visit>
  void VisitReuses(uint32_t request, Visit visit) const {
    const auto blocks = trace_.BlocksOf(trace_.requests[request]);
    // Neighbours in a chain mostly were touched last by one and the same request.
    for (uint32_t first = 0; first < blocks.size();) {
      const uint32_t last = last_request_[blocks[first]];
      uint32_t end = first + 1;
      while (end < blocks.size() && last_request_[blocks[end]] == last) ++end;
      if (last != kNever) visit(last, first, std::clamp(shared_until_[last], first, end), end);
      first = end;
    }
  }

  void Touch(uint32_t request) {
    const auto blocks = trace_.BlocksOf(trace_.requests[request]);
    const uint32_t session = trace_.requests[request].session;
    uint32_t& shared_until = shared_until_[request];
    for (uint32_t i = 0; i < blocks.size(); ++i) {
      const uint32_t last = last_request_[blocks[i]];
      uint8_t& shared_hits = shared_hits_[blocks[i]];
      if (last != kNever && trace_.requests[last].session != session && shared_hits < kSharedHits) {
        ++shared_hits;
      }
      last_request_[blocks[i]] = request;
      // Whoever comes to a block comes to those above it: shared blocks are a prefix.
      if (shared_hits == kSharedHits && shared_until == i) shared_until = i + 1;
    }
  }

 private:
  static constexpr uint8_t kSharedHits = 8;

  const SimulatedTrace& trace_;
  // By block.
  std::vector<uint32_t> last_request_;
  std::vector<uint8_t> shared_hits_;
  std::vector<uint32_t> shared_until_;  // by request
};

}  // namespace halflife::tools
