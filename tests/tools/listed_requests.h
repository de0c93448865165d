#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tools/simulate/simulated_trace.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// Requests that a test writes down.
class ListedRequests final : public RequestSource {
 public:
  explicit ListedRequests(std::vector<Request> requests, uint32_t block_tokens = 512)
      : requests_(std::move(requests)), block_tokens_(block_tokens) {}

  absl::StatusOr<bool> Next(Request& request) override {
    if (next_ == requests_.size()) return false;
    request = requests_[next_++];
    return true;
  }
  uint32_t block_tokens() const override { return block_tokens_; }
  double progress() const override { return -1; }

 private:
  const std::vector<Request> requests_;
  const uint32_t block_tokens_;
  size_t next_ = 0;
};

// One request a second.
inline std::vector<Request> RequestsFor(const std::vector<std::vector<uint64_t>>& chains) {
  std::vector<Request> requests;
  for (const auto& chain : chains) {
    Request& request = requests.emplace_back();
    request.time_s = static_cast<double>(requests.size());
    request.blocks = chain;
  }
  return requests;
}

inline SimulatedTrace TraceOf(const std::vector<std::vector<uint64_t>>& chains,
                              uint32_t block_tokens = 512) {
  ListedRequests source(RequestsFor(chains), block_tokens);
  auto trace = LoadSimulatedTrace(source);
  EXPECT_TRUE(trace.ok()) << trace.status();
  return std::move(trace).value();
}

// Requests of one block each.
inline std::vector<std::vector<uint64_t>> Singles(const std::vector<uint64_t>& blocks) {
  std::vector<std::vector<uint64_t>> chains;
  for (const uint64_t block : blocks) chains.push_back({block});
  return chains;
}

}  // namespace halflife::tools
