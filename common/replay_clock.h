#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/clock.h"

namespace halflife {

// The time of a recorded trace in place of the machine's: nanoseconds in a file that a replay moves
// forward and a daemon under test maps. So hours are replayed in seconds, and idle times stay what
// they were. Both ends are of this class. Only in builds with HL_TEST_HOOKS does a daemon look for
// one.
//
// Thread-safe, across processes as well.
class ReplayClock final : public Clock {
 public:
  // One hour, so that "an hour ago" is not negative.
  static constexpr int64_t kStartNs = int64_t{3600} * 1000 * 1000 * 1000;

  // Makes the file, at kStartNs, if it is not there.
  // Returns: kUnavailable if it cannot be made or mapped.
  static absl::StatusOr<std::unique_ptr<ReplayClock>> Open(const std::string& path);
  ~ReplayClock() override;
  ReplayClock(const ReplayClock&) = delete;
  ReplayClock& operator=(const ReplayClock&) = delete;

  int64_t NowNanos() const override { return now_ns_->load(std::memory_order_acquire); }
  // `elapsed_s` after kStartNs; never back.
  void MoveTo(double elapsed_s);

 private:
  explicit ReplayClock(std::atomic<int64_t>* now_ns) : now_ns_(now_ns) {}

  std::atomic<int64_t>* const now_ns_;  // mapped
};

// The clock of a store: the machine's, or, in builds with HL_TEST_HOOKS, the ReplayClock of the
// file that HALFLIFE_REPLAY_CLOCK names. Returns: what ReplayClock::Open returns.
absl::StatusOr<const Clock*> StoreClock();

}  // namespace halflife
