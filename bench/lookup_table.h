#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/contender.h"

namespace halflife::bench {

struct LookupWork {
  int rounds = 5;
  int64_t cell_ns = 300'000'000;
  uint32_t resident_blocks = 1'000'000;  // rounded up to whole chains
  uint32_t prefix_blocks = 512;
  size_t block_bytes = 4096;
  std::vector<uint32_t> depths = {1, 8};
};

// Lookups of prefixes picked at random among so many resident blocks. The first row is what the
// others are compared with. False, with the reason on stderr, if anything was not as it should be.
bool LookupTable(const std::vector<Contender>& contenders, const LookupWork& work);

// Lookups by token ids, which the daemon hashes.
bool TokenLookupTable(const std::string& endpoint, const LookupWork& work);

}  // namespace halflife::bench
