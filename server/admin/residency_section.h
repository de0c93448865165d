#pragma once

#include <string>

#include "server/admin/node_facts.h"

namespace halflife {

// The part of the status page that tells of the residency model: what any cache could have hit and
// why the rest was missed, how blocks leave each tier, and what is known of the categories.
std::string RenderResidency(const NodeFacts& facts);

}  // namespace halflife
