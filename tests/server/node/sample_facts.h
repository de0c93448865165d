#pragma once

#include "server/admin/node_facts.h"

namespace halflife {

// A node with an SSD tier, two categories and something in every counter.
NodeFacts SampleFacts();
// What such a node could say of a write budget; it has none.
AdmissionStats SampleWriteBudget();

}  // namespace halflife
