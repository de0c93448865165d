#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "client/include/halflife/client.h"

namespace halflife::e2e {

// Chains of blocks in one namespace.
struct Family {
  std::string name;
  uint64_t block_bytes = 4096;  // of one part
  uint32_t parts = 1;
  uint32_t chains = 1;
  uint32_t depth = 1;  // blocks of a chain
};

// A stretch of one chain: blocks [first, first + count).
struct Stretch {
  uint32_t family = 0;
  uint32_t chain = 0;
  uint32_t first = 0;
  uint32_t count = 0;
};

// All blocks that a test may touch: their hashes, and the number under which each (block, part) is
// tracked. Immutable after construction.
class Population {
 public:
  explicit Population(std::vector<Family> families);

  const std::vector<Family>& families() const { return families_; }
  const Family& family(uint32_t index) const { return families_[index]; }
  // The namespace that the daemon is told.
  client::Namespace DescriptorOf(uint32_t family) const;
  // Hashes of a whole chain, first block first.
  const client::Hash* ChainOf(uint32_t family, uint32_t chain) const;
  uint64_t KeyOf(const Stretch& stretch, uint32_t block, uint32_t part) const;
  uint64_t Bytes() const;

  Stretch WholeChain(uint32_t family, uint32_t chain) const {
    return {family, chain, 0, families_[family].depth};
  }

 private:
  const std::vector<Family> families_;
  std::vector<std::vector<client::Hash>> hashes_;  // [family][chain * depth + block]
};

}  // namespace halflife::e2e
