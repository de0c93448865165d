#pragma once

#include <cstdint>

namespace halflife {

// What the shared-memory path has done since start, and what it holds. What sessions hold under
// leases is counted where leases are: StoreStats.
struct ShmStats {
  bool offered = false;
  uint64_t sessions = 0;       // open now
  uint64_t lines = 0;          // of them
  uint64_t staging_bytes = 0;  // of them
  // Connections that got no session.
  uint64_t refused_peers = 0, refused_full = 0, refused_malformed = 0;
  uint64_t leases = 0;  // calls that promised something
  uint64_t leased_blocks = 0;
  uint64_t commits = 0;  // calls
  uint64_t stored_blocks = 0;
  uint64_t refused_calls = 0;  // any error
};

}  // namespace halflife
