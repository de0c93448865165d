#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace halflife::tools {

// One line that is rewritten in place: "replay  [#####.....]  48 %  5,812 requests  12 s". Written
// at most ten times a second, and not at all unless enabled (stderr is a terminal). Not
// thread-safe.
class ProgressLine {
 public:
  using Sink = std::function<void(std::string_view)>;

  // Without a sink, writes to stderr.
  ProgressLine(std::string label, bool enabled, const Clock& clock = Clock::Real(), Sink sink = {});
  // Clears the line.
  ~ProgressLine();

  // `share` in [0, 1], or negative if not known.
  void Update(double share, uint64_t requests);
  void Clear();

 private:
  std::string Text(double share, uint64_t requests) const;

  const std::string label_;
  const bool enabled_;
  const Clock& clock_;
  const Sink sink_;
  const int64_t start_ns_;
  int64_t next_ns_ = 0;
  bool shown_ = false;
};

}  // namespace halflife::tools
