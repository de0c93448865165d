#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "client/include/halflife/client.h"

namespace halflife::client {

inline constexpr size_t kMaxSegments = 1024;  // of one block

// A position in one block that lies scattered over the caller's segments. Borrows them; not
// thread-safe: see Call about caller memory.
class ScatterCursor {
 public:
  ScatterCursor() = default;
  explicit ScatterCursor(View<Segment> segments) : segments_(segments) {}

  // Calls `piece` for the next `bytes` bytes, in order, as few pieces as there are segments in
  // them. The segments must hold that many.
  void Next(size_t bytes, absl::FunctionRef<void(absl::Span<uint8_t>)> piece);

  // Copies from the next bytes.
  void CopyOut(absl::Span<uint8_t> to);

 private:
  View<Segment> segments_;
  size_t segment_ = 0;
  size_t offset_ = 0;  // in that segment
};

}  // namespace halflife::client
