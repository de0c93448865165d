#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "halflife/v1/cache.pb.h"
#include "server/rpc/block_stream.h"

namespace halflife {

// What the caller of one Fetch has said about it, checked message by message. What it can say is
// bounded: each credit is used up by a block, of which a plan has few, and the floor only rises.
// Not thread-safe.
class FetchControl {
 public:
  // The indices that the start asks for: [first, end).
  struct Range {
    uint32_t first_index = 0;
    uint32_t end_index = 0;
  };

  // The first message. Returns: kInvalidArgument for a window that is too small or too large.
  absl::Status Start(const v1::FetchStart& start, const Range& range);
  // A later message; `spent_items` of the allowance have been used.
  // Returns: kInvalidArgument naming what is out of bounds, or out of order.
  absl::Status Take(const v1::FetchRequest& message, uint64_t spent_items);
  // The caller has closed its side: nothing more will be said.
  void Close() { allowed_.may_grow = false; }

  // What may be sent by now; nothing before Start.
  const Allowance& allowed() const { return allowed_; }

 private:
  absl::Status TakeCredit(uint32_t count, uint64_t spent_items);
  absl::Status TakeFloor(uint32_t index);

  Allowance allowed_{.items = 0, .floor = 0, .may_grow = true, .stopped = false};
  Range range_;
};

}  // namespace halflife
