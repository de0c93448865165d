#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "proto/wire/frame_codec.h"

namespace halflife::wire_internal {

enum WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5
};

struct Tag {
  uint32_t field = 0;
  uint32_t type = 0;
};

// Reads protobuf's wire format from pieces that follow each other, without flattening them. Every
// method returns nothing instead of reading past the end; the reader is then of no further use. Not
// thread-safe; borrows the pieces.
class WireReader {
 public:
  explicit WireReader(absl::Span<const absl::Span<const uint8_t>> pieces);

  // Bytes left before the current limit.
  size_t left() const { return limit_ - position_; }

  // A field number of 0, a tag of more than 5 bytes and wire types 6 and 7 are malformed.
  std::optional<Tag> ReadTag();
  // At most 10 bytes and 64 bits.
  std::optional<uint64_t> ReadVarint();
  // The length of a length-delimited field, checked to lie within the limit.
  std::optional<size_t> ReadLength();
  // `size` <= left().
  std::optional<ByteSpans> ReadSpans(size_t size);
  bool ReadInto(absl::Span<uint8_t> out);
  // The value of an unknown field, groups with everything in them.
  bool SkipValue(Tag tag);

  // Reading is confined to the next `size` <= left() bytes until PopLimit, which requires that all
  // were read. Returns the limit to hand to PopLimit.
  size_t PushLimit(size_t size);
  void PopLimit(size_t outer);

 private:
  bool Skip(size_t size);
  bool SkipGroup(uint32_t field);
  // Calls use(piece of at most `size` bytes) until `size` bytes are consumed. Requires size <=
  // left().
  template <typename Use>
  void Consume(size_t size, Use use);

  const absl::Span<const absl::Span<const uint8_t>> pieces_;
  size_t piece_ = 0;     // current piece …
  size_t in_piece_ = 0;  // … and place in it
  size_t position_ = 0;  // bytes consumed since the start
  size_t limit_ = 0;
};

}  // namespace halflife::wire_internal
