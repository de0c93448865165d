#pragma once

#include <map>
#include <random>
#include <utility>

#include "tests/storage/residency/policy_cache.h"

namespace halflife {

// Sessions of two categories, one request every `step_s` seconds. Blocks of the kept category are
// asked for again once, after about 40 s; those of the other one never.
class TwoCategories {
 public:
  explicit TwoCategories(uint64_t seed, double step_s = 2) : random_(seed), step_s_(step_s) {}

  TestRequest Next(Category kept) {
    time_s_ += step_s_;
    if (!returns_.empty() && returns_.begin()->first <= time_s_) {
      TestRequest request{time_s_, returns_.begin()->second.category,
                          returns_.begin()->second.blocks};
      returns_.erase(returns_.begin());
      return request;
    }
    TestRequest request{time_s_, static_cast<Category>(1 + random_() % 2), {}};
    for (int i = 0; i < 8; ++i) request.blocks.push_back(next_block_++);
    if (request.category == kept) {
      const double gap_s = 30 + static_cast<double>(random_() % 20);
      returns_.emplace(time_s_ + gap_s, request);
    }
    return request;
  }

  double time_s() const { return time_s_; }

 private:
  std::mt19937_64 random_;
  double step_s_;
  std::multimap<double, TestRequest> returns_;
  double time_s_ = 0;
  uint64_t next_block_ = 0;
};

inline double HitRatio(PolicyCache* cache, TwoCategories* workload, Category kept, int requests) {
  size_t hits = 0, blocks = 0;
  for (int i = 0; i < requests; ++i) {
    const TestRequest request = workload->Next(kept);
    hits += cache->Serve(request);
    blocks += request.blocks.size();
  }
  return static_cast<double>(hits) / static_cast<double>(blocks);
}

}  // namespace halflife
