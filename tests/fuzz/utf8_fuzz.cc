#include <string>
#include <string_view>

#include "common/check.h"
#include "common/utf8.h"

namespace halflife {
namespace {

std::string Encode(uint32_t point) {
  const auto tail = [&](int shift) { return static_cast<char>(0x80 | (point >> shift & 0x3f)); };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xc0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xe0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xf0 | point >> 18), tail(12), tail(6), tail(0)};
}

// Written another way than the real one: a text is well-formed if each of its characters, decoded
// without any check and encoded again in the only allowed form, gives the same bytes.
bool IsUtf8BySpelling(std::string_view text) {
  while (!text.empty()) {
    const auto lead = static_cast<uint8_t>(text[0]);
    const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > text.size()) return false;
    uint32_t point = length == 1 ? lead : lead & (0x7f >> length);
    for (size_t at = 1; at < length; ++at)
      point = point << 6 | (static_cast<uint8_t>(text[at]) & 0x3f);
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000)) return false;
    if (Encode(point) != text.substr(0, length)) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace
}  // namespace halflife

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  HL_CHECK(halflife::IsUtf8(text) == halflife::IsUtf8BySpelling(text));
  return 0;
}
