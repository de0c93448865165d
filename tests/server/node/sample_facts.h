#pragma once

#include "server/admin/node_facts.h"

namespace halflife {

// A node with an SSD tier, two categories and something in every counter.
NodeFacts SampleFacts();

}  // namespace halflife
