#include "proto/wire/wire_reader.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "common/check.h"

namespace halflife::wire_internal {
namespace {

constexpr int kMaxVarintBytes = 10;
constexpr int kMaxTagBytes = 5;        // protobuf refuses longer ones, even if they are zero-padded
constexpr size_t kMaxGroupDepth = 64;  // protobuf allows 100 levels in all

}  // namespace

WireReader::WireReader(absl::Span<const absl::Span<const uint8_t>> pieces) : pieces_(pieces) {
  for (const absl::Span<const uint8_t> piece : pieces_) limit_ += piece.size();
}

template <typename Use>
void WireReader::Consume(size_t size, Use use) {
  position_ += size;
  while (size > 0) {
    const absl::Span<const uint8_t> piece = pieces_[piece_].subspan(in_piece_);
    const size_t taken = std::min(size, piece.size());
    if (taken > 0) use(piece.first(taken));
    size -= taken;
    in_piece_ += taken;
    if (in_piece_ == pieces_[piece_].size()) {
      ++piece_;
      in_piece_ = 0;
    }
  }
}

std::optional<uint64_t> WireReader::ReadVarint() {
  uint64_t value = 0;
  for (int i = 0; i < kMaxVarintBytes; ++i) {
    if (left() == 0) return std::nullopt;
    uint8_t byte = 0;
    Consume(1, [&](absl::Span<const uint8_t> piece) { byte = piece[0]; });
    if (i == kMaxVarintBytes - 1 && byte > 1) return std::nullopt;  // beyond 64 bits
    value |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

std::optional<Tag> WireReader::ReadTag() {
  const size_t start = position_;
  const std::optional<uint64_t> raw = ReadVarint();
  if (!raw || *raw > std::numeric_limits<uint32_t>::max()) return std::nullopt;
  if (position_ - start > kMaxTagBytes) return std::nullopt;
  const Tag tag{.field = static_cast<uint32_t>(*raw >> 3), .type = static_cast<uint32_t>(*raw & 7)};
  if (tag.field == 0 || tag.type > kFixed32) return std::nullopt;
  return tag;
}

std::optional<size_t> WireReader::ReadLength() {
  const size_t start = position_;
  const std::optional<uint64_t> length = ReadVarint();
  if (!length || position_ - start > kMaxTagBytes || *length > left()) return std::nullopt;
  return *length;
}

std::optional<ByteSpans> WireReader::ReadSpans(size_t size) {
  if (size > left()) return std::nullopt;
  ByteSpans spans;
  Consume(size, [&](absl::Span<const uint8_t> piece) { spans.push_back(piece); });
  return spans;
}

bool WireReader::ReadInto(absl::Span<uint8_t> out) {
  if (out.size() > left()) return false;
  uint8_t* to = out.data();
  Consume(out.size(), [&](absl::Span<const uint8_t> piece) {
    std::memcpy(to, piece.data(), piece.size());
    to += piece.size();
  });
  return true;
}

bool WireReader::Skip(size_t size) {
  if (size > left()) return false;
  Consume(size, [](absl::Span<const uint8_t>) {});
  return true;
}

bool WireReader::SkipValue(Tag tag) {
  switch (tag.type) {
    case kVarint:
      return ReadVarint().has_value();
    case kFixed64:
      return Skip(8);
    case kFixed32:
      return Skip(4);
    case kBytes: {
      const std::optional<size_t> length = ReadLength();
      return length && Skip(*length);
    }
    case kStartGroup:
      return SkipGroup(tag.field);
    default:
      return false;  // the end of a group that was never started
  }
}

bool WireReader::SkipGroup(uint32_t field) {
  absl::InlinedVector<uint32_t, 8> open = {field};
  while (!open.empty()) {
    const std::optional<Tag> tag = ReadTag();
    if (!tag) return false;
    if (tag->type == kStartGroup) {
      if (open.size() == kMaxGroupDepth) return false;
      open.push_back(tag->field);
    } else if (tag->type == kEndGroup) {
      if (tag->field != open.back()) return false;
      open.pop_back();
    } else if (!SkipValue(*tag)) {
      return false;
    }
  }
  return true;
}

size_t WireReader::PushLimit(size_t size) {
  HL_CHECK(size <= left());
  const size_t outer = limit_;
  limit_ = position_ + size;
  return outer;
}

void WireReader::PopLimit(size_t outer) {
  HL_CHECK(position_ == limit_ && outer >= limit_);
  limit_ = outer;
}

}  // namespace halflife::wire_internal
