#pragma once

#include <cstdint>

#include "storage/residency/residency_policy.h"

namespace halflife {

// A hint as a block carries it, in two bytes; none by default. A retention ends on a whole
// kRetainStepNs, so that blocks that are retained equally long share a queue, and a mark needs no
// list of blocks to end.
class HintMark {
 public:
  static constexpr int64_t kRetainStepNs = int64_t{15} * 1'000'000'000;
  // Retentions that end at different times: up to kMaxRetain and one step ahead.
  static constexpr int kRetainQueues = 242;
  // Queues for blocks that carry a mark.
  static constexpr int kQueues = 2 + kRetainQueues;

  constexpr HintMark() = default;
  static constexpr HintMark Of(HintKind kind, int64_t until_ns) {
    switch (kind) {
      case HintKind::kRelease:
        return HintMark(1);
      case HintKind::kDemote:
        return HintMark(2);
      case HintKind::kRetain:
        break;
    }
    const int64_t step = (until_ns + kRetainStepNs - 1) / kRetainStepNs;
    return HintMark(static_cast<uint16_t>(3 + step % kSteps));
  }

  bool IsRelease() const { return mark_ == 1; }
  bool IsDemotion() const { return mark_ == 2; }
  bool IsRetention() const { return mark_ >= 3; }
  explicit operator bool() const { return mark_ != 0; }

  // When the retention ends, 0 if there is none or it is over.
  int64_t RetainedUntilNs(int64_t now_ns) const {
    if (mark_ < 3) return 0;
    const int64_t now_step = now_ns / kRetainStepNs;
    const int64_t ahead = (mark_ - 3 + kSteps - now_step % kSteps) % kSteps;
    return ahead >= 1 && ahead < kRetainQueues ? (now_step + ahead) * kRetainStepNs : 0;
  }

  // Below kQueues.
  int queue() const { return mark_ < 3 ? mark_ - 1 : 2 + QueueOfStep(mark_ - 3); }
  static constexpr int QueueOfEnd(int64_t until_ns) {
    return 2 + QueueOfStep(until_ns / kRetainStepNs % kSteps);
  }

 private:
  static constexpr int64_t kSteps = 65'340;  // a multiple of kRetainQueues, in 16 bits

  static constexpr int QueueOfStep(int64_t step) { return static_cast<int>(step % kRetainQueues); }
  explicit constexpr HintMark(uint16_t mark) : mark_(mark) {}

  uint16_t mark_ = 0;
};

}  // namespace halflife
