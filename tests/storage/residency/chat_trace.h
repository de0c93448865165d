#pragma once

#include <fstream>
#include <string>
#include <vector>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {

inline constexpr const char* kChatTrace = "../shared/traces/mooncake_conversation.jsonl";

// The first so many requests of the Mooncake conversation trace that have a full block, without
// categories; empty if the trace is not here. Its lines are `{"timestamp": ms, "input_length":
// tokens, …, "hash_ids": [ids of 512-token blocks]}`.
inline std::vector<TestRequest> ReadChatTrace(size_t requests) {
  constexpr uint64_t kBlockTokens = 512;
  const auto number_after = [](const std::string& line, const std::string& name) {
    const size_t at = line.find(name);
    return at == std::string::npos ? 0 : std::stoull(line.substr(at + name.size()));
  };
  std::vector<TestRequest> trace;
  std::ifstream file(kChatTrace);
  for (std::string line; trace.size() < requests && std::getline(file, line);) {
    TestRequest request;
    request.time_s = static_cast<double>(number_after(line, "\"timestamp\": ")) / 1000;
    const uint64_t full_blocks = number_after(line, "\"input_length\": ") / kBlockTokens;
    size_t at = line.find('[');
    while (request.blocks.size() < full_blocks && at != std::string::npos) {
      request.blocks.push_back(std::stoull(line.substr(at + 1)));
      at = line.find(',', at + 1);
    }
    if (!request.blocks.empty()) trace.push_back(std::move(request));
  }
  return trace;
}

}  // namespace halflife
