#pragma once

#include <cstddef>
#include <cstdint>

namespace halflife::internal {

inline constexpr size_t kSipHashLanes = 8;

// SipHash-2-4-128 of kSipHashLanes messages of 38 bytes each: 32 bytes at `hashes` + 32 * lane,
// then the low 6 bytes of `tail`, the same for all. The digest of lane i goes to `digests` +
// `digest_stride` * i (16 bytes). Only where the processor has AVX2.
void SipHash128Avx2(const uint8_t key[16], const uint8_t* hashes, uint64_t tail, uint8_t* digests,
                    size_t digest_stride);

}  // namespace halflife::internal
