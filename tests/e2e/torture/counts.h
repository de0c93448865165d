#pragma once

#include <atomic>
#include <cstdint>

namespace halflife::e2e {

// What the workers did in one phase of a campaign, in (block, part) pairs where it says blocks.
struct Counts {
  using Count = std::atomic<uint64_t>;

  Count requests{0};
  Count wanted_blocks{0};   // by requests
  Count hit_blocks{0};      // of them, returned and right
  Count checked_blocks{0};  // returned and right, by all kinds of reads
  Count wrong_blocks{0};
  Count revived_blocks{0};          // deleted, and returned all the same
  Count read_back_blocks{0};        // stored a moment ago, and asked for again
  Count read_back_right_blocks{0};  // of them, returned and right
  Count leased_blocks{0};           // returned under a lease and right
  Count lease_wanted_blocks{0};     // promised by a lease and asked for
  Count stored_blocks{0};
  Count duplicate_blocks{0};
  Count refused_blocks{0};
  Count unanswered_blocks{0};  // puts whose end nobody knows
  Count deletes{0};
  Count namespace_deletes{0};
  Count unavailable{0};  // calls that found nobody
  Count timeouts{0};
};

}  // namespace halflife::e2e
