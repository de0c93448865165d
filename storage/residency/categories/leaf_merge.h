#pragma once

#include <functional>
#include <vector>

#include "storage/residency/categories/tree_growth.h"

namespace halflife {

// Told of every two groups that are joined, their life tables' distance and what keeping them apart
// would gain.
using JoinObserver =
    std::function<void(const std::vector<size_t>& kept, const std::vector<size_t>& merged,
                       double distance, const SplitCandidate& apart)>;

// Joins leaves that behave alike, the most alike first, until every two that are left are told
// apart by their life tables (`merge_distance`), by likelihood in training and by likelihood in the
// next window. Returns positions in `leaves` of those that belong together, in their order.
std::vector<std::vector<size_t>> GroupAlike(const std::vector<const Side*>& leaves,
                                            const BinHazard& prior, const GrowthOptions& options,
                                            const JoinObserver& joined);

}  // namespace halflife
