#pragma once

#include <string>
#include <string_view>

namespace halflife {

// Text for an HTML or SVG element or a quoted attribute.
std::string EscapeHtml(std::string_view text);

}  // namespace halflife
