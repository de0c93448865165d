#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/contender.h"

namespace halflife::bench {

// How much work, and how often.
struct TransferWork {
  std::string title;
  bool put = false;
  std::vector<size_t> block_sizes;
  std::vector<uint32_t> depths = {1, 4};  // calls outstanding at a time
  uint32_t batch = 1;                     // blocks in a call
  int rounds = 5;
  int64_t cell_ns = 100'000'000;              // of each row in each round
  uint64_t data_bytes = uint64_t{256} << 20;  // stored; Gets pick at random among them
  uint64_t fill_bytes = 0;  // what a store that evicts is given before a Put is timed
};

// Get or Put in the steady state: every page that is used has been used before, on both sides.
// False, with the reason on stderr, if anything was not as it should be.
bool TransferTable(const std::vector<Contender>& contenders, const TransferWork& work);

// Microseconds per block of a lease that nothing is copied from.
bool InPlaceTable(const std::string& endpoint, int rounds);

}  // namespace halflife::bench
