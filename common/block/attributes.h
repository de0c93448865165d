#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

namespace halflife {

// What the caller says about a request. Only a hint for residency and metrics: never part of a key.
// Bounds (docs/limits.md): strings at most 128 bytes, at most 8 labels.
struct RequestAttributes {
  std::string app;          // "chat", "api", "agent", …; empty when unknown
  uint32_t turn = 0;        // 1 = first turn of a session; 0 = unknown
  std::string stop_reason;  // of the previous response
  std::string tool;
  uint64_t session = 0;  // 0 = unknown
  std::vector<std::pair<std::string, std::string>> labels;

  // Returns: kInvalidArgument naming the field that is too long or not UTF-8.
  absl::Status Validate() const;
};

// A class of requests whose blocks share a reuse pattern. Small dense number; names live in
// CategoryTable.
using Category = uint16_t;
inline constexpr Category kUnknownCategory = 0;
inline constexpr Category kMaxCategories = 64;

}  // namespace halflife
