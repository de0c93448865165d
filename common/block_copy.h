#pragma once

#include <cstddef>
#include <cstdint>

#include "common/hashing.h"

namespace halflife {

// Copies of block payload between mappings. They differ from memcpy in what they do to the caches:
// a block is not read again soon by whoever copies it.

// Past the caches where the machine can; ordered before everything the caller does next.
void CopyPastCache(uint8_t* to, const uint8_t* from, size_t size_bytes);

// The same, and adds the bytes to `checksum` while they are at hand. What is hashed is what was
// copied, even if the source changes meanwhile: each piece is read once, into a private buffer.
void CopyAndHashOnce(uint8_t* to, const uint8_t* from, size_t size_bytes, Xxh3Stream& checksum);

// For a source that does not change, or whose changes are found out otherwise: hashes and copies
// piece by piece, without the private buffer. With `past_cache` false the target stays in the
// caches, for whoever reads it next.
void CopyAndHash(uint8_t* to, const uint8_t* from, size_t size_bytes, bool past_cache,
                 Xxh3Stream& checksum);

}  // namespace halflife
