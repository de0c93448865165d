// Compiled with -mavx2 (common/CMakeLists.txt). It must use nothing of the standard library: the
// linker could take an inline function from here for the whole program.

#include "common/hashing_avx2.h"

#if defined(__AVX2__)

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace halflife::internal {

void Xxh3UpdateAvx2(void* state, const uint8_t* bytes, size_t size) {
  XXH3_128bits_update(static_cast<XXH3_state_t*>(state), bytes, size);
}

void Xxh3Avx2(const uint8_t* bytes, size_t size, uint64_t seed, uint64_t halves[2]) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, size, seed);
  halves[0] = hash.low64;
  halves[1] = hash.high64;
}

}  // namespace halflife::internal

#else

namespace halflife::internal {

void Xxh3UpdateAvx2(void*, const uint8_t*, size_t) {}
void Xxh3Avx2(const uint8_t*, size_t, uint64_t, uint64_t*) {}

}  // namespace halflife::internal

#endif
