#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// How large a cache is, as people say it: "0.5%" of the trace's unique full blocks, "5000" blocks,
// or "64GiB" of payload.
struct Capacity {
  enum class Unit { kShare, kBlocks, kBytes };
  std::string text;
  Unit unit = Unit::kShare;
  double share = 0;    // kShare: 0.005 for "0.5%"
  uint64_t count = 0;  // kBlocks, kBytes
};

// A capacity for one trace.
struct TraceCapacity {
  std::string text;
  double ratio = 0;  // of the trace's unique full blocks
  size_t blocks = 0;
};

// Returns: kInvalidArgument naming the text: no number, no unit that is known, 0, or above 100 %.
absl::StatusOr<Capacity> ParseCapacity(std::string_view text);
// Of a list separated by commas. Returns: as ParseCapacity; kInvalidArgument if the list is empty.
absl::StatusOr<std::vector<Capacity>> ParseCapacities(std::string_view list);

// `token_bytes`: KV bytes of one token, for capacities in bytes. Shares are rounded to the nearest
// block. Returns: kInvalidArgument if it is less than one block.
absl::StatusOr<TraceCapacity> CapacityFor(const Capacity& capacity, const SimulatedTrace& trace,
                                          uint64_t token_bytes);

// `points` shares from `low` to `high`, evenly spaced in their logarithm. Returns: kInvalidArgument
// unless 0 < low < high <= 1 and 2 <= points <= 1,000.
absl::StatusOr<std::vector<Capacity>> LogSpacedShares(double low, double high, int points);

// "10%" or "0.1" as 0.1. Returns: kInvalidArgument unless it is in [0, 1].
absl::StatusOr<double> ParseShare(std::string_view text);

// A capacity as writes per day, in blocks: a share is of the trace's block references over its
// duration (10%: one write for ten references); blocks and bytes are per day. Returns:
// kInvalidArgument on a share of a trace without a duration.
absl::StatusOr<double> BlocksPerDay(const Capacity& budget, const SimulatedTrace& trace,
                                    uint64_t token_bytes);

}  // namespace halflife::tools
