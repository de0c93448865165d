#include "tools/simulate/simulated_trace.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "common/status.h"
#include "tools/simulate/request_categories.h"

namespace halflife::tools {
namespace {

constexpr uint64_t kMaxReferences = uint64_t{1} << 31;
constexpr uint64_t kProgressInterval = 256;  // requests

// Numbers sessions in the order in which they first appear.
class SessionNumbers {
 public:
  uint32_t Number(uint64_t session) {
    if (session == 0) return next_++;  // not known
    const auto [found, is_new] = numbers_.try_emplace(session, next_);
    next_ += is_new ? 1 : 0;
    return found->second;
  }

 private:
  absl::flat_hash_map<uint64_t, uint32_t> numbers_;
  uint32_t next_ = 0;
};

// Numbers blocks in the order in which they first appear.
class BlockNumbers {
 public:
  explicit BlockNumbers(SimulatedTrace& trace) : trace_(trace) {}

  // The number of block `id` behind `parent`.
  uint32_t Number(uint32_t parent, uint64_t id) {
    // Most requests repeat the chain that came here last: its next block is tried before the map.
    if (parent != kNoBlock) {
      const uint32_t guess = last_child_[parent];
      if (guess != kNoBlock && ids_[guess] == id) return guess;
    }
    const auto next = static_cast<uint32_t>(ids_.size());
    const auto [found, is_new] = numbers_.try_emplace(std::pair(parent, id), next);
    if (is_new) {
      ids_.push_back(id);
      last_child_.push_back(kNoBlock);
      trace_.parent.push_back(parent);
      trace_.depth.push_back(parent == kNoBlock ? 0 : trace_.depth[parent] + 1);
    }
    if (parent != kNoBlock) last_child_[parent] = found->second;
    return found->second;
  }

 private:
  SimulatedTrace& trace_;
  absl::flat_hash_map<std::pair<uint32_t, uint64_t>, uint32_t> numbers_;
  std::vector<uint64_t> ids_;         // by number
  std::vector<uint32_t> last_child_;  // by number
};

}  // namespace

absl::StatusOr<SimulatedTrace> LoadSimulatedTrace(RequestSource& source,
                                                  const LoadProgress& progress) {
  SimulatedTrace trace;
  BlockNumbers numbers(trace);
  RequestCategories categories;
  SessionNumbers sessions;
  Request request;
  int64_t now_ns = 0;
  for (uint64_t read = 0;; ++read) {
    HL_ASSIGN_OR_RETURN(const bool any, source.Next(request));
    if (!any) break;
    if (progress && read % kProgressInterval == 0) progress(source.progress(), read);
    if (request.blocks.empty()) continue;
    if (trace.references.size() + request.blocks.size() > kMaxReferences) {
      return absl::InvalidArgumentError("more than 2^31 block references: simulate a shorter part");
    }
    now_ns = std::max<int64_t>(now_ns, std::llround(request.time_s * 1e9));
    SimulatedTrace::RequestSpan span;
    span.time_ns = now_ns;
    span.first = trace.references.size();
    span.count = static_cast<uint32_t>(request.blocks.size());
    span.category = categories.Number(request);
    span.session = sessions.Number(request.session);
    trace.requests.push_back(span);
    uint32_t block = kNoBlock;
    for (const uint64_t id : request.blocks) {
      block = numbers.Number(block, id);
      trace.references.push_back(block);
    }
  }
  if (trace.requests.empty()) return absl::InvalidArgumentError("no request has a full block");
  trace.block_tokens = source.block_tokens();
  trace.category_names = categories.names();
  return trace;
}

}  // namespace halflife::tools
