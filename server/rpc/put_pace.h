#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace halflife {

// Whether the peer of a Put sends the block at hand fast enough to be worth the buffer that it
// holds. Only time spent waiting for the peer counts, and none between blocks. Not thread-safe.
//
// (BeginBlock (Waited Received)* EndBlock)*
class PutPace {
 public:
  struct Floor {
    uint64_t bytes_per_s = 0;  // 0 = any pace will do
    absl::Duration grace;      // before it applies, for each block anew
  };

  explicit PutPace(const Floor& floor) : floor_(floor) {}

  void BeginBlock() {
    in_block_ = true;
    waited_ns_ = 0;
    received_bytes_ = 0;
  }
  void EndBlock() { in_block_ = false; }
  void Waited(int64_t ns) { waited_ns_ += ns; }
  void Received(uint64_t bytes) { received_bytes_ += bytes; }

  // `waiting_ns`: for how long the next message has been waited for.
  bool TooSlow(int64_t waiting_ns) const {
    if (!in_block_ || floor_.bytes_per_s == 0) return false;
    const double counted_s =
        static_cast<double>(waited_ns_ + waiting_ns) / 1e9 - absl::ToDoubleSeconds(floor_.grace);
    return static_cast<double>(received_bytes_) <
           counted_s * static_cast<double>(floor_.bytes_per_s);
  }
  uint64_t received_bytes() const { return received_bytes_; }

 private:
  const Floor floor_;
  bool in_block_ = false;
  int64_t waited_ns_ = 0;
  uint64_t received_bytes_ = 0;
};

}  // namespace halflife
