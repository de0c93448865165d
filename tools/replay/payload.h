#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace halflife::tools {

// Payload of a replayed block, made from what identifies it: nothing has to be kept to check what
// comes back, and a block returned under another's name, at another offset or of another length
// does not compare equal.

// What a payload is made from.
uint64_t PayloadSeed(uint64_t block_id, uint16_t part, uint64_t payload_bytes);

// Fills `out`: word i of 8 bytes (the last one cut) is a mix of the seed and i.
void FillPayload(uint64_t seed, absl::Span<uint8_t> out);

// Number of bytes that differ from what FillPayload writes; as fast when none does.
uint64_t CountWrongBytes(uint64_t seed, absl::Span<const uint8_t> bytes);

}  // namespace halflife::tools
