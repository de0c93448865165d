#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/time/time.h"
#include "common/clock.h"
#include "storage/tiers/slot_engine.h"

namespace halflife {

// How many transfers of one batch are on the device at a time, and for how long.
struct SlotFlowLimits {
  size_t depth = 16;
  // No further one is started while this much is on its way; so one is, however large.
  uint64_t depth_bytes = uint64_t{32} << 20;
  absl::Duration timeout;  // of the whole batch
};

// One batch. Both are called by the thread that runs it.
struct SlotFlow {
  // The next transfer, null when there is none now. Asked again after each `done`.
  std::function<std::unique_ptr<SlotTransfer>()> next;
  // One that is over, for better or worse.
  std::function<void(std::unique_ptr<SlotTransfer>)> done;
};

// Runs a batch to its end. False if the time is over before: what `next` gave and `done` did not
// get is given up, and its memory belongs to the engine until the device has answered.
bool RunTransfers(SlotEngine& engine, const Clock& clock, const SlotFlowLimits& limits,
                  const SlotFlow& flow);

// Slots that lie side by side in a file, up to this much, are one request: a device gains nothing
// from larger ones, and loses what it could do in parallel.
inline constexpr uint64_t kMergedBytes = uint64_t{1} << 20;

}  // namespace halflife
