#pragma once

#include <cstddef>
#include <cstdint>

namespace halflife::internal {

// XXH3 with 256-bit vectors, for machines that have them (1.6 times Debian's library, which is
// built for every amd64). Same results; `state` is the library's. Only where the processor has
// AVX2.
void Xxh3UpdateAvx2(void* state, const uint8_t* bytes, size_t size);
// Low and high half.
void Xxh3Avx2(const uint8_t* bytes, size_t size, uint64_t seed, uint64_t halves[2]);

}  // namespace halflife::internal
