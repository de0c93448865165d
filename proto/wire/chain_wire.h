#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "common/block/block_id.h"
#include "halflife/v1/cache.pb.h"

namespace halflife {

// A v1::Chain in domain types. `hashes` is a view into the message: no copy, so the message must
// outlive it.
struct ChainView {
  absl::Span<const BlockHash> hashes;
  uint32_t first_depth = 0;
  std::optional<BlockHash> parent;
  uint32_t group = 0;
};

// Returns: kInvalidArgument naming field, value and limit if there is no hash or more than
// `max_blocks`, a length is not a multiple of 32, `group` is not below kMaxGroups, a parent is
// given at depth 0, or depths overflow.
absl::StatusOr<ChainView> ChainFromWire(const v1::Chain& message, uint32_t max_blocks);
v1::Chain ChainToWire(const ChainView& chain);

// Packed hashes, 32 bytes each. Returns: kInvalidArgument unless `packed` is a whole number of
// them.
absl::StatusOr<absl::Span<const BlockHash>> UnpackHashes(absl::string_view field,
                                                         std::string_view packed);
std::string_view PackHashes(absl::Span<const BlockHash> hashes);

// Returns: kInvalidArgument unless `bytes` has 32 bytes.
absl::StatusOr<NamespaceId> NamespaceIdFromWire(std::string_view bytes);
inline std::string_view NamespaceIdToWire(const NamespaceId& id) { return AsText(id.bytes); }

// Ranks [first, first + count) of a namespace with `parts` ranks; a count of 0 means all from
// `first` on.
struct WirePartRange {
  uint16_t first = 0;
  uint16_t count = 1;
};
// Returns: kInvalidArgument if the range is not within [0, parts).
absl::StatusOr<WirePartRange> PartRangeFromWire(const v1::PartRange& message, uint32_t parts);

}  // namespace halflife
