#pragma once

#include <cstdint>
#include <string>

#include "tools/trace/bounded_map.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// Completes requests with what their predecessors tell: session, turn and the stop reason of the
// previous response. Bounded: only the newest kRememberedRequests requests can have a continuation.
//
// Where the trace names parents, they are followed. Where it does not (Mooncake), a request
// continues the request whose full blocks are the longest known prefix of its own. A request is
// continued once: what many requests share (a system prompt) is not a turn of any of them. Not
// thread-safe.
class Lineage {
 public:
  static constexpr size_t kRememberedRequests = size_t{1} << 18;

  explicit Lineage(size_t remembered_requests = kRememberedRequests);

  // Requests in the order of the trace. Requests that carry no id are given one, counted from 0.
  void Complete(Request& request);

 private:
  struct Seen {
    uint64_t session = 0;
    uint32_t turn = 0;
    int64_t chat = -1;
    std::string stop;
  };
  void CompleteFromParent(Request& request);
  void CompleteFromBlocks(Request& request);
  static void Continue(const Seen& previous, Request& request);

  BoundedMap<int64_t, Seen> by_chat_;
  BoundedMap<uint64_t, Seen> by_last_block_;
  int64_t next_chat_ = 0;
};

}  // namespace halflife::tools
