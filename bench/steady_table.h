#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/peer.h"

namespace halflife::bench {

// One row of a table: how its peer is made.
struct Contender {
  std::string name;
  std::function<std::unique_ptr<Peer>(const Work&)> make;
};

// How much work, and how often.
struct SteadyWork {
  int rounds = 5;
  uint64_t data_bytes = uint64_t{512} << 20;  // that are stored; Gets pick at random among them
  uint64_t bytes_per_round = uint64_t{256} << 20;  // moved by each row in each round
  uint64_t fill_bytes = uint64_t{2} << 30;  // put before a Put is timed: memory is in use then
  uint32_t batch = 16;
};

// Get and Put in the steady state: every page that is used has been used before, on both sides. The
// first row is what the others are compared with. False, with the reason on stderr, if anything was
// not as it should be.
bool SteadyGetTable(const std::vector<Contender>& contenders, const SteadyWork& work);
bool SteadyPutTable(const std::vector<Contender>& contenders, const SteadyWork& work);
// Microseconds per block of a lease that nothing is copied from.
bool InPlaceTable(const std::string& endpoint, const SteadyWork& work);

}  // namespace halflife::bench
