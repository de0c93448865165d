#pragma once

#include <cstdint>

namespace halflife {

// The process as the kernel sees it. A field that cannot be read is 0.
struct ProcessFacts {
  double cpu_seconds = 0;
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  double start_time_s = 0;  // Unix time
};

ProcessFacts ReadProcessFacts();

}  // namespace halflife
