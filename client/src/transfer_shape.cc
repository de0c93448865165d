#include "client/src/transfer_shape.h"

#include "client/src/scatter.h"
#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/limit_check.h"

namespace halflife::client {
namespace {

absl::Status ItemError(size_t index, const absl::Status& status) {
  return absl::InvalidArgumentError(absl::StrCat("item ", index, ": ", status.message()));
}

absl::Status CheckSegments(View<Segment> segments, uint64_t block_bytes) {
  HL_RETURN_IF_ERROR(CheckAtLeast("segments", segments.size, 1));
  HL_RETURN_IF_ERROR(CheckAtMost("segments", segments.size, kMaxSegments));
  uint64_t total = 0;
  for (const Segment& segment : segments) {
    if (segment.data == nullptr && segment.size > 0) {
      return absl::InvalidArgumentError("a segment is null");
    }
    // Each addend is checked, so that the sum cannot wrap.
    HL_RETURN_IF_ERROR(CheckAtMost("segment bytes", segment.size, block_bytes));
    total += segment.size;
  }
  return CheckBytes("all segments together", total, block_bytes);
}

}  // namespace

absl::StatusOr<TransferShape> ShapeOf(absl::Span<const TransferItem> items,
                                      const NamespaceDescriptor& ns) {
  HL_RETURN_IF_ERROR(CheckAtLeast("items", items.size(), 1));
  HL_RETURN_IF_ERROR(CheckAtMost("items", items.size(), kMaxTransferBlocks));
  TransferShape shape;
  shape.part_first = items[0].part;
  size_t count = 1;
  while (count < items.size() && *items[count].hash == *items[0].hash &&
         items[count].part == shape.part_first + count) {
    ++count;
  }
  shape.part_count = static_cast<uint16_t>(count);
  if (items.size() % count != 0) {
    return absl::InvalidArgumentError(absl::StrCat(
        "items: ", items.size(), " are not a multiple of the first block's ", count, " parts"));
  }
  HL_RETURN_IF_ERROR(CheckAtMost("last part + 1", shape.part_first + count, ns.parts));
  for (size_t i = 0; i < items.size(); ++i) {
    const bool first_of_block = i % count == 0;
    if (first_of_block) shape.chain.push_back({*items[i].hash});
    if (items[i].part != shape.part_first + i % count ||
        shape.chain.back().bytes != *items[i].hash) {
      return ItemError(i, absl::InvalidArgumentError("not the same parts as of the first block"));
    }
    const absl::Status segments = CheckSegments(items[i].segments, ns.block_bytes);
    if (!segments.ok()) return ItemError(i, segments);
  }
  return shape;
}

}  // namespace halflife::client
