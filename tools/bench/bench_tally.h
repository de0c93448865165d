#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "common/histogram.h"
#include "halflife/client.h"

namespace halflife::tools {

// What the calls of one verb came to. Not thread-safe; one per caller, added up at the end.
struct CallTally {
  static constexpr size_t kOutcomes = 6;  // client::Outcome

  std::array<uint64_t, kOutcomes> outcomes{};  // calls
  uint64_t blocks = 0;                         // asked for
  uint64_t good_blocks = 0;                    // delivered, or stored
  uint64_t wrong_blocks = 0;                   // delivered with bytes that nobody put
  uint64_t bytes = 0;                          // of good blocks
  Histogram::Snapshot latency_ns;
  int64_t longest_ns = 0;

  uint64_t calls() const {
    uint64_t sum = 0;
    for (const uint64_t count : outcomes) sum += count;
    return sum;
  }
  uint64_t OutcomeCount(client::Outcome outcome) const {
    return outcomes[static_cast<size_t>(outcome)];
  }
  void Add(const CallTally& other) {
    for (size_t i = 0; i < kOutcomes; ++i) outcomes[i] += other.outcomes[i];
    blocks += other.blocks;
    good_blocks += other.good_blocks;
    wrong_blocks += other.wrong_blocks;
    bytes += other.bytes;
    latency_ns.Add(other.latency_ns);
    longest_ns = std::max(longest_ns, other.longest_ns);
  }
};

struct BenchTally {
  CallTally get, put;
  uint64_t failed_deletes = 0;  // of chains that a Put replaced

  void Add(const BenchTally& other) {
    get.Add(other.get);
    put.Add(other.put);
    failed_deletes += other.failed_deletes;
  }
};

}  // namespace halflife::tools
