#pragma once

#include <cstddef>

#include "tools/analyze/category_requests.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Replaces the categories of a trace's requests by those of a tree that is grown while the trace
// goes on, as a daemon would grow it: on the past only, again every hour or whenever twice as many
// requests have come, and changed only where the new one is clearly better (RenewTree). A category
// keeps its number as long as most of its requests do. Returns how often the tree changed.
size_t AssignTreeCategories(const CategoryRequests& requests, SimulatedTrace& trace);

}  // namespace halflife::tools
