#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/peer.h"

namespace halflife::bench {

// One row of a table: how its peer is made, and what it is compared with.
struct Contender {
  std::string name;
  std::string store = {};  // rows of one store share its blocks
  // Rows that this one is divided by, in the table's order; "" = none.
  std::string limit = {}, redis = {}, memcached = {};
  const ServerProcess* server = nullptr;  // null: the work is done in this process
  std::function<std::unique_ptr<Peer>(const Work&)> make = {};
  bool evicts = false;       // true: new blocks all the time; false: it overwrites old ones
  uint32_t most_depth = 64;  // calls that it can have outstanding
};

// What one row did at one block size and depth, round by round.
struct Cell {
  const Contender* contender = nullptr;
  std::unique_ptr<Peer> peer;
  Meter meter;
  std::vector<double> rates;  // per second
};

}  // namespace halflife::bench
