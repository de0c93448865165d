#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "halflife/client.h"

namespace halflife::tools {

// Memory of a benchmark: each caller has room for one call.
inline constexpr uint64_t kMaxBenchBufferBytes = uint64_t{4} << 30;
inline constexpr int kMaxBenchCallers = 64;
inline constexpr absl::Duration kMaxBenchDuration = absl::Hours(1);
inline constexpr uint64_t kMaxWorkingSetBytes = uint64_t{1} << 40;

// The work of one row: calls of consecutive blocks of one size, by callers that each have one call
// under way.
struct BenchOptions {
  uint64_t block_bytes = 1 << 20;
  uint32_t blocks_per_call = 16;  // 1..128
  int callers = 1;                // 1..kMaxBenchCallers
  double read_share = 1;          // of the calls; the others put
  uint64_t working_set_bytes = 256 << 20;
  absl::Duration duration = absl::Seconds(5);
  absl::Duration warm_up = absl::Seconds(1);
  uint64_t count = 0;  // calls; if not 0, instead of `duration`
  uint64_t seed = 1;

  uint64_t call_bytes() const { return block_bytes * blocks_per_call; }
  // Returns: kInvalidArgument naming the option, if one is out of its bounds or they do not fit
  // together.
  absl::Status Validate() const;
};

}  // namespace halflife::tools
