#include "common/block_copy.h"

#include <algorithm>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace halflife {
namespace {

// Half of the first-level cache of current cores: read, hashed and written while it is there.
constexpr size_t kPieceBytes = size_t{16} << 10;

#if defined(__x86_64__)

constexpr size_t kLineBytes = 64;

// `to` is aligned to a line, `lines` whole lines.
void StreamLinesSse2(uint8_t* to, const uint8_t* from, size_t lines) {
  for (; lines > 0; --lines, to += kLineBytes, from += kLineBytes) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 16));
    const __m128i c = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 32));
    const __m128i d = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 48));
    _mm_stream_si128(reinterpret_cast<__m128i*>(to), a);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 16), b);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 32), c);
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + 48), d);
  }
}

__attribute__((target("avx2"))) void StreamLinesAvx2(uint8_t* to, const uint8_t* from,
                                                     size_t lines) {
  for (; lines > 0; --lines, to += kLineBytes, from += kLineBytes) {
    const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
    const __m256i b = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + 32));
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to), a);
    _mm256_stream_si256(reinterpret_cast<__m256i*>(to + 32), b);
  }
}

__attribute__((target("avx512f"))) void StreamLinesAvx512(uint8_t* to, const uint8_t* from,
                                                          size_t lines) {
  for (; lines > 0; --lines, to += kLineBytes, from += kLineBytes) {
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to), _mm512_loadu_si512(from));
  }
}

using StreamLines = void (*)(uint8_t*, const uint8_t*, size_t);

StreamLines BestStreamLines() {
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f")) return StreamLinesAvx512;
  if (__builtin_cpu_supports("avx2")) return StreamLinesAvx2;
  return StreamLinesSse2;
}

void StreamPiece(uint8_t* to, const uint8_t* from, size_t size_bytes) {
  static const StreamLines stream = BestStreamLines();
  const size_t head = std::min(
      size_bytes, (kLineBytes - reinterpret_cast<uintptr_t>(to) % kLineBytes) % kLineBytes);
  std::memcpy(to, from, head);
  const size_t lines = (size_bytes - head) / kLineBytes;
  stream(to + head, from + head, lines);
  const size_t done = head + lines * kLineBytes;
  std::memcpy(to + done, from + done, size_bytes - done);
}

// Streaming stores are not ordered by anything else.
void Fence() { _mm_sfence(); }

#else

void StreamPiece(uint8_t* to, const uint8_t* from, size_t size_bytes) {
  std::memcpy(to, from, size_bytes);
}

void Fence() {}

#endif

}  // namespace

void CopyPastCache(uint8_t* to, const uint8_t* from, size_t size_bytes) {
  StreamPiece(to, from, size_bytes);
  Fence();
}

void CopyAndHashOnce(uint8_t* to, const uint8_t* from, size_t size_bytes, Xxh3Stream& checksum) {
  alignas(64) uint8_t piece[kPieceBytes];
  while (size_bytes > 0) {
    const size_t length = std::min(size_bytes, kPieceBytes);
    std::memcpy(piece, from, length);
    checksum.Update({piece, length});
    StreamPiece(to, piece, length);
    to += length;
    from += length;
    size_bytes -= length;
  }
  Fence();
}

void CopyAndHash(uint8_t* to, const uint8_t* from, size_t size_bytes, bool past_cache,
                 Xxh3Stream& checksum) {
  while (size_bytes > 0) {
    const size_t length = std::min(size_bytes, kPieceBytes);
    checksum.Update({from, length});
    if (past_cache) {
      StreamPiece(to, from, length);
    } else {
      std::memcpy(to, from, length);
    }
    to += length;
    from += length;
    size_bytes -= length;
  }
  if (past_cache) Fence();
}

}  // namespace halflife
