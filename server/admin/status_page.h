#pragma once

#include <string>
#include <string_view>

#include "server/admin/node_facts.h"

namespace halflife {

// The facts as one self-contained HTML page that a person can read: no script, nothing fetched.
// Pure.
std::string RenderStatusPage(const NodeFacts& facts);

}  // namespace halflife
