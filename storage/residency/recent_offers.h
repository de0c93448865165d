#pragma once

#include <cstdint>
#include <vector>

#include "common/block/block_key.h"

namespace halflife {

// How much of what is offered to SSD is new. A block that was refused is offered again each time it
// leaves DRAM, which may be every few seconds, and yet would be written once: taken for new each
// time, a few busy blocks would look like more than any budget pays for, and the threshold would
// leave much of the budget unused (measured on a coding-agent trace: 7 to 10 % of what could be
// written).
//
// Remembers the latest 262,144 blocks or so in 2 MiB; where more are refused within the half-life,
// those forgotten count as new. Pure: time comes from the caller. Not thread-safe.
class RecentOffers {
 public:
  explicit RecentOffers(double half_life_s) : half_life_s_(half_life_s) {}

  // Of an offer now: 1 if the block was not offered before, as far as is remembered, else what has
  // been forgotten of the offer before, so that it counts once in what is exponentially forgotten.
  double NewShare(const BlockKey& key, int64_t now_ns);

 private:
  static constexpr uint64_t kPlaces = 1 << 18;
  // 67 ms: 9 years in 32 bits.
  static constexpr int kStepBits = 26;
  struct Offer {
    uint32_t tag = 0;   // of the key, never 0
    uint32_t step = 0;  // when
  };

  const double half_life_s_;
  std::vector<Offer> offers_;  // by hash; empty before the first
};

}  // namespace halflife
