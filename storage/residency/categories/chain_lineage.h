#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "absl/container/flat_hash_map.h"
#include "absl/types/span.h"

namespace halflife {

// What a request is to those before it, by its blocks alone.
enum class RequestRole : uint8_t {
  kUnknown,
  kNew,        // nothing of it was here before
  kShares,     // begins like others (a system prompt, a template, a regenerated answer)
  kContinues,  // extends what was the whole of an earlier request: a conversation's next turn
};

// Finds the turn and the role of requests that say neither. A request continues the request whose
// whole chain is the longest known prefix of its own, and that only once: what many requests share
// is not a turn of any of them. Bounded: the newest `remembered_requests` can be continued. Not
// thread-safe.
class ChainLineage {
 public:
  static constexpr size_t kRememberedRequests = size_t{1} << 18;

  struct Place {
    uint32_t turn = 1;
    RequestRole role = RequestRole::kNew;
  };

  explicit ChainLineage(size_t remembered_requests = kRememberedRequests)
      : remembered_requests_(remembered_requests) {}

  // The next request: ids of its blocks, each of which names its whole prefix, first block first,
  // and how many of them were named before. `turn`: what the caller says; 0 = nothing.
  Place Add(absl::Span<const uint64_t> blocks, size_t known_blocks, uint32_t turn = 0);

 private:
  const size_t remembered_requests_;
  absl::flat_hash_map<uint64_t, uint32_t> turn_by_last_block_;
  std::deque<uint64_t> order_;
};

}  // namespace halflife
