#pragma once

#include <string>
#include <vector>

#include "server/admin/category_fold.h"
#include "server/admin/metric_page.h"
#include "server/admin/node_facts.h"

namespace halflife {

// The part of the metrics page that tells of the residency model: categories, duel, prices,
// ceilings and causes. Nothing while nothing has been published. `names`: of categories by number,
// `fold`: which of them have series of their own.
void AddResidency(const NodeFacts& facts, const std::vector<std::string>& names,
                  const CategoryFold& fold, MetricPage& page);

}  // namespace halflife
