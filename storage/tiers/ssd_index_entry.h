#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/block_key.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// What the index of one partition says about one block. 144 bytes, little-endian; the grammar is in
// docs/formats.md:
//   0 u8 version=1 · 1 u8 reserved=0 · 2 u16 part · 4 u32 file · 8 u32 slot · 12 u32 bytes · 16 u32
//   group 20 u32 depth · 24 u32 hits · 28 u32 idle_s · 32 u16 category · 34 u16, 36 u32 reserved=0
//   40 ns256[32] · 72 hash[32] · 104 parent[32] · 136 u64 XXH3-64 of bytes 0..135, seeded by the
//   key
// file = 0 means that the payload is inline; slot is then the number of the write.
struct SsdIndexEntry {
  uint32_t file = 0;
  uint32_t slot = 0;
  uint32_t bytes = 0;  // payload
  BlockIdentity identity;
  PersistedState state;

  bool is_inline() const { return file == 0; }
  bool IsAt(const SsdLocation& location) const {
    return file == location.file && slot == location.slot && bytes == location.bytes;
  }
};

inline constexpr size_t kSsdIndexEntryBytes = 144;

std::string EncodeSsdIndexEntry(const BlockKey& key, const SsdIndexEntry& entry);

// Returns: kDataLoss unless `bytes` is what EncodeSsdIndexEntry wrote for this key.
absl::StatusOr<SsdIndexEntry> DecodeSsdIndexEntry(const BlockKey& key,
                                                  absl::Span<const uint8_t> bytes);

}  // namespace halflife
