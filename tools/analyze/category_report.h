#pragma once

#include <vector>

#include "tools/analyze/category_study.h"
#include "tools/output/report.h"

namespace halflife::tools {

// The tree as tables: what it gains, its categories, and how it grew. `with_details`: also its
// nodes and every category's life table, from which the figures can be computed again.
std::vector<Table> CategoryTables(const CategoryStudy& study, bool with_details);

}  // namespace halflife::tools
