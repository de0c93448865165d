#include <gtest/gtest.h>
#include <xxhash.h>

#include <cstring>
#include <vector>

#include "common/block_copy.h"
#include "common/hashing.h"

namespace halflife {
namespace {

std::vector<uint8_t> Bytes(size_t size) {
  std::vector<uint8_t> bytes(size);
  uint64_t state = 88172645463325252;
  for (uint8_t& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<uint8_t>(state >> 56);
  }
  return bytes;
}

Digest128 OfLibrary(absl::Span<const uint8_t> bytes, uint64_t seed) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
  Digest128 digest;
  std::memcpy(digest.data(), canonical.digest, digest.size());
  return digest;
}

TEST(WideHashing, WiderVectorsGiveTheLibrarysResults) {
  const std::vector<uint8_t> bytes = Bytes(70'000);
  for (const size_t size : {0, 1, 16, 17, 128, 129, 240, 241, 255, 256, 1023, 1024, 1025, 4096,
                            16384, 65535, 65536, 70'000}) {
    const absl::Span<const uint8_t> part(bytes.data(), size);
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, UINT64_MAX}) {
      const Digest128 expected = OfLibrary(part, seed);
      EXPECT_EQ(Xxh3_128(part, seed), expected) << size;
      Xxh3Stream whole(seed);
      whole.Update(part);
      EXPECT_EQ(whole.Finish(), expected) << size;
      Xxh3Stream pieces(seed);
      for (size_t at = 0, step = 1; at < size; at += step, step = step * 3 % 5003 + 1) {
        pieces.Update(part.subspan(at, step));
      }
      EXPECT_EQ(pieces.Finish(), expected) << size;
    }
  }
}

TEST(BlockCopy, EveryWayCopiesAndHashesTheSame) {
  const std::vector<uint8_t> bytes = Bytes(100'000);
  for (const size_t from : {0, 1, 63}) {
    for (const size_t to : {0, 1, 31, 64}) {
      for (const size_t size : {0, 1, 63, 64, 65, 16383, 16384, 16385, 99'000}) {
        const absl::Span<const uint8_t> source(bytes.data() + from, size);
        const Digest128 expected = Xxh3_128(source, 5);
        for (int way = 0; way < 4; ++way) {
          std::vector<uint8_t> target(size + to + 64, 0xee);
          Xxh3Stream checksum(5);
          uint8_t* const at = target.data() + to;
          if (way == 0) CopyPastCache(at, source.data(), size);
          if (way == 1) CopyAndHashOnce(at, source.data(), size, checksum);
          if (way >= 2) CopyAndHash(at, source.data(), size, way == 2, checksum);
          EXPECT_EQ(std::memcmp(at, source.data(), size), 0);
          EXPECT_EQ(target[to + size], 0xee) << "beyond the end";
          if (to > 0) {
            EXPECT_EQ(target[to - 1], 0xee) << "before the beginning";
          }
          if (way > 0) {
            EXPECT_EQ(checksum.Finish(), expected);
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace halflife
