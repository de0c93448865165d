#include "tools/replay/payload.h"

#include <algorithm>
#include <cstring>

namespace halflife::tools {
namespace {

constexpr uint64_t kGolden = 0x9e3779b97f4a7c15u;
constexpr size_t kWordsPerStep = 512;  // 4 KiB: stays in the first-level cache while it is compared

// One multiplication per word (Stafford's mix 13, cut to what independence of neighbouring words
// needs).
inline uint64_t Mix(uint64_t x) {
  x ^= x >> 32;
  x *= 0xbf58476d1ce4e5b9u;
  return x ^ (x >> 29);
}

void FillWords(uint64_t seed, uint64_t first_word, size_t words, uint8_t* out) {
  uint64_t counter = seed + first_word * kGolden;
  for (size_t i = 0; i < words; ++i) {
    const uint64_t word = Mix(counter);
    std::memcpy(out + i * 8, &word, 8);
    counter += kGolden;
  }
}

}  // namespace

uint64_t PayloadSeed(uint64_t block_id, uint16_t part, uint64_t payload_bytes) {
  uint64_t seed = Mix(block_id * kGolden + 1);
  seed = Mix(seed + part * kGolden + 2);
  return Mix(seed + payload_bytes * kGolden + 3);
}

void FillPayload(uint64_t seed, absl::Span<uint8_t> out) {
  const size_t words = out.size() / 8;
  FillWords(seed, 0, words, out.data());
  if (const size_t rest = out.size() % 8; rest > 0) {
    uint8_t last[8];
    FillWords(seed, words, 1, last);
    std::memcpy(out.data() + words * 8, last, rest);
  }
}

uint64_t CountWrongBytes(uint64_t seed, absl::Span<const uint8_t> bytes) {
  uint8_t expected[kWordsPerStep * 8];
  uint64_t wrong = 0;
  for (size_t at = 0; at < bytes.size(); at += sizeof expected) {
    const size_t size = std::min(sizeof expected, bytes.size() - at);
    FillWords(seed, at / 8, (size + 7) / 8, expected);
    if (std::memcmp(expected, bytes.data() + at, size) == 0) continue;
    for (size_t i = 0; i < size; ++i) wrong += expected[i] != bytes[at + i] ? 1 : 0;
  }
  return wrong;
}

}  // namespace halflife::tools
