#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace halflife {

// Integers in files and digests are little-endian unless a format says otherwise. Debian's amd64
// and arm64 are little-endian, so a load is a copy.
static_assert(std::endian::native == std::endian::little);

template <typename T>
inline T LoadLe(const uint8_t* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}
inline uint16_t LoadLe16(const uint8_t* from) { return LoadLe<uint16_t>(from); }
inline uint32_t LoadLe32(const uint8_t* from) { return LoadLe<uint32_t>(from); }
inline uint64_t LoadLe64(const uint8_t* from) { return LoadLe<uint64_t>(from); }

inline void StoreLe16(uint8_t* to, uint16_t value) { std::memcpy(to, &value, sizeof value); }
inline void StoreLe32(uint8_t* to, uint32_t value) { std::memcpy(to, &value, sizeof value); }
inline void StoreLe64(uint8_t* to, uint64_t value) { std::memcpy(to, &value, sizeof value); }

}  // namespace halflife
