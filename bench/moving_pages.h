#pragma once

#include <cstdint>
#include <string>

namespace halflife::bench {

struct MovingPagesWork {
  std::string build;  // directory of the binaries
  uint32_t batch = 4;
  int64_t cell_ns = 1'000'000'000;
};

// Gets at random among 2 GiB in DRAM of a daemon that has just been filled, while it moves its
// memory into huge pages, and afterwards. False, with the reason on stderr, if there are no figures
// that mean anything.
bool MovingPagesTable(const MovingPagesWork& work);

}  // namespace halflife::bench
