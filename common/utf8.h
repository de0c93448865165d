#pragma once

#include <string_view>

namespace halflife {

// True if `text` is well-formed UTF-8 (RFC 3629: no overlong form, no surrogate, at most U+10FFFF).
bool IsUtf8(std::string_view text);

}  // namespace halflife
