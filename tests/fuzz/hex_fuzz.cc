#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "common/block/block_id.h"
#include "common/check.h"
#include "tests/fuzz/byte_source.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace halflife;
  const std::string text(reinterpret_cast<const char*>(data), size);

  // What parses prints as itself, in lower case; nothing of another length parses.
  std::vector<uint8_t> bytes(size / 2);
  if (ParseHex(text, absl::MakeSpan(bytes))) {
    HL_CHECK(size % 2 == 0);
    HL_CHECK(Hex(bytes) == absl::AsciiStrToLower(text));
  }
  std::vector<uint8_t> longer(size / 2 + 1);
  HL_CHECK(!ParseHex(text, absl::MakeSpan(longer)));

  // Every byte string prints as something that parses back.
  std::vector<uint8_t> back(size);
  const std::string hex = Hex({data, size});
  HL_CHECK(ParseHex(hex, absl::MakeSpan(back)));
  HL_CHECK(back == std::vector<uint8_t>(data, data + size));
  HL_CHECK(hex.substr(0, 8) == ShortHex({data, size}));
  return 0;
}
