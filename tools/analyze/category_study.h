#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "storage/residency/categories/tree_growth.h"
#include "tools/analyze/category_intervals.h"

namespace halflife::tools {

// The category tree of a trace and what its categories are like.
struct CategoryStudy {
  struct Category {
    std::string rule;  // in words
    size_t requests = 0;
    IdleHistogram intervals;              // of the whole trace
    std::array<IdleHistogram, 2> halves;  // each as it looked at its end
    std::string example;                  // a typical request and what happened next
  };
  GrownTree grown;
  std::vector<AttributeDescription> attributes;
  LevelRule seen{};  // levels that occur
  std::vector<Category> categories;
  std::vector<size_t> node_requests;  // of the tree's nodes, pinned requests left out
  // Per request of the window after the one that was learned from, in nats.
  double one_model_nats = 0;
  double tree_nats = 0;
  double duration_s = 0;
};

// The tree is grown on the first three quarters of the requests and tested on the last. Pure.
CategoryStudy StudyCategories(const SimulatedTrace& trace, const CategoryRequests& requests,
                              std::vector<CategoryPin> pins);

}  // namespace halflife::tools
