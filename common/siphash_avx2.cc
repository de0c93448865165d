// Compiled with -mavx2 (common/CMakeLists.txt). It must use nothing of the standard library: the
// linker could take an inline function from here for the whole program.

#include "common/siphash_avx2.h"

#if defined(__AVX2__)

namespace halflife::internal {
namespace {

using Lanes = uint64_t __attribute__((vector_size(32)));  // one word of four messages

// State of four messages. Rounds are taken for two of them at a time: each is a chain of operations
// that wait for one another, and the other one fills the gaps.
struct Quad {
  Lanes v0, v1, v2, v3;
};

inline Lanes Rotate(Lanes value, int bits) { return (value << bits) | (value >> (64 - bits)); }

// The same by 32 and by 16 bits, as one instruction that moves bytes.
inline Lanes Rotate32(Lanes value) {
  using Halves = uint32_t __attribute__((vector_size(32)));
  const Halves halves = reinterpret_cast<Halves>(value);
  return reinterpret_cast<Lanes>(__builtin_shufflevector(halves, halves, 1, 0, 3, 2, 5, 4, 7, 6));
}
inline Lanes Rotate16(Lanes value) {
  using Bytes = uint8_t __attribute__((vector_size(32)));
  const Bytes bytes = reinterpret_cast<Bytes>(value);
  return reinterpret_cast<Lanes>(
      __builtin_shufflevector(bytes, bytes, 6, 7, 0, 1, 2, 3, 4, 5, 14, 15, 8, 9, 10, 11, 12, 13,
                              22, 23, 16, 17, 18, 19, 20, 21, 30, 31, 24, 25, 26, 27, 28, 29));
}

inline void FirstHalf(Quad& s) {
  s.v0 += s.v1;
  s.v2 += s.v3;
  s.v1 = Rotate(s.v1, 13) ^ s.v0;
  s.v3 = Rotate16(s.v3) ^ s.v2;
  s.v0 = Rotate32(s.v0);
}

inline void SecondHalf(Quad& s) {
  s.v2 += s.v1;
  s.v0 += s.v3;
  s.v1 = Rotate(s.v1, 17) ^ s.v2;
  s.v3 = Rotate(s.v3, 21) ^ s.v0;
  s.v2 = Rotate32(s.v2);
}

inline void Rounds(Quad& a, Quad& b, int times) {
  for (int n = 0; n < times; ++n) {
    FirstHalf(a);
    FirstHalf(b);
    SecondHalf(a);
    SecondHalf(b);
  }
}

inline uint64_t Word(const uint8_t* bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

inline Lanes Same(uint64_t word) { return Lanes{word, word, word, word}; }

// The word at `at` of four hashes.
inline Lanes Gather(const uint8_t* at) {
  return Lanes{Word(at), Word(at + 32), Word(at + 64), Word(at + 96)};
}

inline Quad Begin(uint64_t k0, uint64_t k1) {
  return {Same(k0 ^ 0x736f6d6570736575), Same(k1 ^ 0x646f72616e646f6d ^ 0xee),
          Same(k0 ^ 0x6c7967656e657261), Same(k1 ^ 0x7465646279746573)};
}

inline void Absorb(Quad& a, Quad& b, Lanes message_a, Lanes message_b) {
  a.v3 ^= message_a;
  b.v3 ^= message_b;
  Rounds(a, b, 2);
  a.v0 ^= message_a;
  b.v0 ^= message_b;
}

inline void StoreWord(uint64_t word, uint8_t* to) { __builtin_memcpy(to, &word, sizeof word); }

inline void Store(const Quad& s, uint8_t* digests, size_t stride) {
  const Lanes half = s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
  StoreWord(half[0], digests);
  StoreWord(half[1], digests + stride);
  StoreWord(half[2], digests + 2 * stride);
  StoreWord(half[3], digests + 3 * stride);
}

}  // namespace

void SipHash128Avx2(const uint8_t key[16], const uint8_t* hashes, uint64_t tail, uint8_t* digests,
                    size_t digest_stride) {
  Quad a = Begin(Word(key), Word(key + 8));
  Quad b = a;
  for (int word = 0; word < 4; ++word) {
    Absorb(a, b, Gather(hashes + 8 * word), Gather(hashes + 128 + 8 * word));
  }
  // The last block: what is left of the message, and its length in the highest byte.
  const Lanes last = Same((tail & 0xffffffffffff) | uint64_t{38} << 56);
  Absorb(a, b, last, last);
  a.v2 ^= Same(0xee);
  b.v2 ^= Same(0xee);
  Rounds(a, b, 4);
  Store(a, digests, digest_stride);
  Store(b, digests + 4 * digest_stride, digest_stride);
  a.v1 ^= Same(0xdd);
  b.v1 ^= Same(0xdd);
  Rounds(a, b, 4);
  Store(a, digests + 8, digest_stride);
  Store(b, digests + 4 * digest_stride + 8, digest_stride);
}

}  // namespace halflife::internal

#else

namespace halflife::internal {

void SipHash128Avx2(const uint8_t*, const uint8_t*, uint64_t, uint8_t*, size_t) {}

}  // namespace halflife::internal

#endif
