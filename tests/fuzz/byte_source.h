#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string>

#include "absl/types/span.h"

namespace halflife {

// Cuts a fuzz input into values. When the input is used up every value is zero or empty, so any
// input is a whole one. Not thread-safe.
class ByteSource {
 public:
  ByteSource(const uint8_t* data, size_t size) : rest_(data, size) {}

  template <typename T>
  T Take() {
    T value{};
    const absl::Span<const uint8_t> bytes = TakeBytes(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
    return value;
  }

  // At most `size` bytes.
  absl::Span<const uint8_t> TakeBytes(size_t size) {
    const absl::Span<const uint8_t> bytes = rest_.first(std::min(size, rest_.size()));
    rest_.remove_prefix(bytes.size());
    return bytes;
  }

  // A text behind a length byte.
  std::string TakeText() { return TextOf(TakeBytes(Take<uint8_t>())); }

  absl::Span<const uint8_t> rest() const { return rest_; }

  static std::string TextOf(absl::Span<const uint8_t> bytes) {
    return {bytes.begin(), bytes.end()};
  }

 private:
  absl::Span<const uint8_t> rest_;
};

}  // namespace halflife
