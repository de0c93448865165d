#pragma once

#include <array>
#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/block_id.h"

namespace halflife {

// Self-describing header in front of every stored payload (SSD slot or inline value). 128 bytes,
// little-endian; the grammar is in docs/formats.md:
//   0 magic "HLBLOCK1" · 8 u16 version=1 · 10 u16 part · 12 u32 group · 16 ns256[32] · 48 hash[32]
//   80 u64 payload_bytes · 88 checksum[16] · 104 u32 depth · 108 u32 reserved=0 · 112 u64 written
//   (Unix s) 120 u64 XXH3-64 of bytes 0..119
struct BlockHeader {
  BlockIdentity identity;
  uint64_t payload_bytes = 0;
  Digest128 checksum{};    // PayloadChecksum(identity, payload)
  uint32_t depth = 0;      // position in its chain, 0 = first block
  uint64_t written_s = 0;  // to SSD, wall clock, for people

  friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
};

inline constexpr size_t kBlockHeaderBytes = 128;

void EncodeBlockHeader(const BlockHeader& header, absl::Span<uint8_t> out /* kBlockHeaderBytes */);

// Returns: kDataLoss naming the field that does not hold (magic, version, own checksum, payload
// length above kMaxBlockBytes).
absl::StatusOr<BlockHeader> DecodeBlockHeader(absl::Span<const uint8_t> bytes);

}  // namespace halflife
