#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace halflife::tools {

// One request of a trace: who asked, when, and the prompt as ids of its *full* blocks. A partial
// last block has no identity that another request could share, so every reader drops it.
struct Request {
  double time_s = 0;     // since the start of the trace
  std::string type;      // "chat", "api", "user", "tool", …; empty when the trace does not say
  uint32_t turn = 0;     // 1 = first turn of its session; 0 = unknown
  uint64_t session = 0;  // id of the session's first request, plus one; 0 = unknown
  int64_t chat = -1;     // id of this request; -1 = none
  int64_t parent = -1;   // id of the previous request of the session; -1 = none
  uint64_t input_tokens = 0;
  uint64_t output_tokens = 0;
  std::string stop;           // why its response ended; known only after the request
  std::string previous_stop;  // `stop` of the parent: what a worker knows when the request starts
  std::vector<uint64_t> blocks;  // first block first; an id names the block and its whole prefix

  friend bool operator==(const Request&, const Request&) = default;
};

// Where requests come from: a trace file or a generator. Not thread-safe.
class RequestSource {
 public:
  virtual ~RequestSource() = default;

  // Replaces `request` by the next one. Returns: false at the end; kInvalidArgument naming file and
  // line if the input is malformed; kUnavailable if it cannot be read.
  virtual absl::StatusOr<bool> Next(Request& request) = 0;

  // Tokens of one block; valid once Next has been called.
  virtual uint32_t block_tokens() const = 0;

  // Share of the input that has been read, in [0, 1]; negative if not known. For progress only.
  virtual double progress() const = 0;
};

}  // namespace halflife::tools
