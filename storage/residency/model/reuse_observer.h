#pragma once

#include <cstdint>
#include <vector>

#include "storage/residency/model/category_windows.h"
#include "storage/residency/model/hash_sample.h"
#include "storage/residency/model/hazard_estimator.h"
#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// Watches idle intervals: from a touch of a block to its next one, or for as long as the block is
// remembered. The blocks of one request that are alike (same history group) stand in one record, a
// cohort, so that time passes for a request and not for each of its blocks.
//
// Bounded: at most `max_cohorts` at a time, 40 bytes each. When they fill up, only a hash sample of
// the requests opens cohorts (as SHARDS, Waldspurger et al., FAST'15, adapts its rate); those have
// number 0. Not thread-safe.
class ReuseObserver {
 public:
  using CohortId = uint32_t;  // 0 = not observed, at most max_cohorts
  static constexpr size_t kMaxCohorts = size_t{1} << 17;

  explicit ReuseObserver(size_t max_cohorts = kMaxCohorts);

  // Whether a request whose last block hashes to this is in the sample.
  bool Samples(uint64_t hash) const { return sample_.Has(hash); }
  // A request of the sample, whose intervals follow.
  void StartRequest(int category, int64_t now_ns);

  // Intervals that begin now; every block of it is to Join. `weight` is of each block.
  // 0 when there is no room.
  CohortId Open(int64_t now_ns, const HazardEstimator::Interval& interval, float weight);
  void Join(CohortId id) { ++cohorts_[id].open_blocks; }
  // The intervals of so many of its blocks ended in a touch.
  void EndInReuse(CohortId id, int64_t now_ns, uint32_t blocks = 1);
  // One of its blocks is forgotten: its interval is censored here.
  void EndUnseen(CohortId id, int64_t now_ns);

  // Counts the time until now, forgets, and fits. To be called every kRefitPeriodS (refitting every
  // 120 s instead of 30 s costs 0.5 points on the Mooncake conversation trace).
  static constexpr double kRefitPeriodS = 30;
  void Refit(int64_t now_ns);

  const HazardFit& fit() const { return estimator_.fit(); }
  // By category, as of the last Refit: for the operator, and for a policy with one curve a
  // category.
  const IdleHistogram& intervals(int category) const { return categories_[category]; }
  // Of the sample.
  CategoryWindows::Stats activity(int category) const { return windows_.stats(category); }
  int64_t first_observed_ns() const { return first_observed_ns_; }
  int64_t last_observed_ns() const { return last_observed_ns_; }
  int64_t refitted_ns() const { return refitted_ns_; }  // 0 = not yet
  uint64_t reuses() const { return reuses_; }           // ended intervals, unweighted
  double sample_rate() const { return sample_.rate(); }
  size_t memory_bytes() const;

 private:
  struct Cohort {
    int64_t opened_ns = 0;
    int64_t counted_until_ns = 0;
    HazardEstimator::Interval interval;
    float weight = 0;
    uint32_t open_blocks = 0;

    int category() const { return interval.features.levels[kCategoryFactor]; }
  };

  void CountTime(const Cohort& cohort, int64_t now_ns, double blocks);
  void Forget(double elapsed_s);
  void CountOpenIntervals(int64_t now_ns);
  void AdaptSample();

  const size_t max_cohorts_;
  HashSample sample_;
  std::vector<Cohort> cohorts_;  // 0 is nobody's
  std::vector<CohortId> open_;
  std::vector<CohortId> free_;
  int64_t refitted_ns_ = 0;
  uint64_t reuses_ = 0;
  HazardEstimator estimator_;
  CategoryWindows windows_;
  std::vector<IdleHistogram> categories_;  // with those that are open
  int64_t first_observed_ns_ = 0;
  int64_t last_observed_ns_ = 0;
};

}  // namespace halflife
