#pragma once

#include <string>
#include <string_view>

#include "server/admin/node_facts.h"

namespace halflife {

// The facts as one self-contained HTML page that a person can read: no script, nothing fetched.
// Pure.
std::string RenderStatusPage(const NodeFacts& facts);

// `text` with &, <, >, " and ' made harmless.
std::string EscapeHtml(std::string_view text);

}  // namespace halflife
