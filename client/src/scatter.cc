#include "client/src/scatter.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace halflife::client {

void ScatterCursor::Next(size_t bytes, absl::FunctionRef<void(absl::Span<uint8_t>)> piece) {
  while (bytes > 0) {
    HL_CHECK(segment_ < segments_.size);
    const Segment& segment = segments_[segment_];
    const size_t length = std::min(bytes, segment.size - offset_);
    if (length > 0) piece({static_cast<uint8_t*>(segment.data) + offset_, length});
    bytes -= length;
    offset_ += length;
    if (offset_ == segment.size) {
      ++segment_;
      offset_ = 0;
    }
  }
}

void ScatterCursor::CopyOut(absl::Span<uint8_t> to) {
  Next(to.size(), [&to](absl::Span<uint8_t> from) {
    std::memcpy(to.data(), from.data(), from.size());
    to.remove_prefix(from.size());
  });
}

}  // namespace halflife::client
