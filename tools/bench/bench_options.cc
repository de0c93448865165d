#include "tools/bench/bench_options.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "common/limits.h"
#include "common/units.h"

namespace halflife::tools {

absl::Status BenchOptions::Validate() const {
  const auto invalid = [](const auto&... text) {
    return absl::InvalidArgumentError(absl::StrCat(text...));
  };
  if (block_bytes < kMinBlockBytes || block_bytes > kMaxBlockBytes) {
    return invalid("--block-size: a block has 4KiB to 256MiB");
  }
  if (blocks_per_call < 1 || blocks_per_call > kMaxTransferBlocks) {
    return invalid("--blocks: a call has 1 to ", kMaxTransferBlocks, " blocks");
  }
  if (callers < 1 || callers > kMaxBenchCallers) {
    return invalid("--concurrency: 1 to ", kMaxBenchCallers);
  }
  if (!(read_share >= 0 && read_share <= 1)) return invalid("--read-share: 0 to 1");
  if (call_bytes() > kMaxBenchBufferBytes / static_cast<uint64_t>(callers)) {
    return invalid("--block-size x --blocks x --concurrency is more than ",
                   ExactBytes(kMaxBenchBufferBytes));
  }
  // One chain more than callers: each has one, and a Put finds one that nobody reads.
  const uint64_t least = call_bytes() * (static_cast<uint64_t>(callers) + 1);
  if (working_set_bytes < least || working_set_bytes > kMaxWorkingSetBytes) {
    return invalid("--working-set: at least ", ExactBytes(least), " for these calls, at most ",
                   ExactBytes(kMaxWorkingSetBytes));
  }
  if (count == 0 && (duration <= absl::ZeroDuration() || duration > kMaxBenchDuration)) {
    return invalid("--duration: above 0, at most ", ExactDuration(kMaxBenchDuration));
  }
  if (warm_up < absl::ZeroDuration() || warm_up > kMaxBenchDuration) {
    return invalid("--warm-up: at most ", ExactDuration(kMaxBenchDuration));
  }
  return absl::OkStatus();
}

}  // namespace halflife::tools
