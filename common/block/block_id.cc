#include "common/block/block_id.h"

#include <xxhash.h>

#include "absl/strings/escaping.h"
#include "common/strings.h"

namespace halflife {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

uint64_t ChecksumSeed(const BlockIdentity& identity) {
  std::array<uint8_t, 70> bytes;
  uint8_t* out = bytes.data();
  std::memcpy(out, identity.ns.bytes.data(), 32);
  std::memcpy(out + 32, identity.hash.bytes.data(), 32);
  for (int i = 0; i < 4; ++i) out[64 + i] = static_cast<uint8_t>(identity.group >> (8 * i));
  for (int i = 0; i < 2; ++i) out[68 + i] = static_cast<uint8_t>(identity.part >> (8 * i));
  return Xxh3_64(bytes, 0);
}

Digest128 PayloadChecksum(const BlockIdentity& identity, absl::Span<const uint8_t> payload) {
  return Xxh3_128(payload, ChecksumSeed(identity));
}

std::string Hex(absl::Span<const uint8_t> bytes) {
  return absl::BytesToHexString(ToAbsl(AsText(bytes)));
}

std::string ShortHex(absl::Span<const uint8_t> bytes) {
  return Hex(bytes.subspan(0, std::min<size_t>(4, bytes.size())));
}

bool ParseHex(std::string_view text, absl::Span<uint8_t> out) {
  if (text.size() != 2 * out.size()) return false;
  for (size_t i = 0; i < out.size(); ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return true;
}

}  // namespace halflife
