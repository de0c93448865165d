#pragma once

#include <atomic>

namespace halflife::tools {

// While one of these lives, the first SIGINT, SIGTERM or SIGHUP sets a flag instead of ending the
// process, so that a command can clean up and print what it has; a second one ends it. At most one
// at a time.
class InterruptFlag {
 public:
  InterruptFlag();
  ~InterruptFlag();
  InterruptFlag(const InterruptFlag&) = delete;
  InterruptFlag& operator=(const InterruptFlag&) = delete;

  const std::atomic<bool>& flag() const;
};

}  // namespace halflife::tools
