#include "storage/residency/model/reuse_observer.h"

#include <cmath>

namespace halflife {
namespace {

constexpr double kNsPerS = 1e9;

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(to_ns - from_ns) / kNsPerS;
}

}  // namespace

ReuseObserver::ReuseObserver(size_t max_cohorts)
    : max_cohorts_(max_cohorts), cohorts_(1), categories_(kMaxCategories) {}

void ReuseObserver::StartRequest(int category, int64_t now_ns) {
  if (first_observed_ns_ == 0) first_observed_ns_ = now_ns;
  last_observed_ns_ = now_ns;
  windows_.StartRequest(category, now_ns);
}

ReuseObserver::CohortId ReuseObserver::Open(int64_t now_ns,
                                            const HazardEstimator::Interval& interval,
                                            float weight) {
  if (open_.size() >= max_cohorts_) return 0;
  CohortId id;
  if (free_.empty()) {
    id = static_cast<CohortId>(cohorts_.size());
    cohorts_.emplace_back();
  } else {
    id = free_.back();
    free_.pop_back();
  }
  cohorts_[id] = {now_ns, now_ns, interval, weight, 0};
  open_.push_back(id);
  return id;
}

void ReuseObserver::CountTime(const Cohort& cohort, int64_t now_ns, double blocks) {
  if (now_ns <= cohort.counted_until_ns) return;
  const double from_s = SecondsBetween(cohort.opened_ns, cohort.counted_until_ns);
  const double to_s = SecondsBetween(cohort.opened_ns, now_ns);
  const double weight = cohort.weight * blocks;
  const double expected = estimator_.AddTimeAtRisk(cohort.interval, from_s, to_s, weight);
  windows_.AddTimeAtRisk(cohort.category(), from_s, to_s, weight, expected);
}

void ReuseObserver::EndInReuse(CohortId id, int64_t now_ns, uint32_t blocks) {
  if (id == 0) return;
  Cohort& cohort = cohorts_[id];
  const double age_s = SecondsBetween(cohort.opened_ns, now_ns);
  const double weight = cohort.weight * static_cast<double>(blocks);
  CountTime(cohort, now_ns, blocks);
  estimator_.AddReuse(cohort.interval, age_s, weight);
  windows_.AddReuse(cohort.category(), age_s, weight);
  cohort.open_blocks -= blocks;
  reuses_ += blocks;
}

void ReuseObserver::EndUnseen(CohortId id, int64_t now_ns) {
  if (id == 0) return;
  Cohort& cohort = cohorts_[id];
  CountTime(cohort, now_ns, 1);
  windows_.AddCensored(cohort.category(), SecondsBetween(cohort.opened_ns, now_ns), cohort.weight);
  --cohort.open_blocks;
}

void ReuseObserver::Refit(int64_t now_ns) {
  size_t kept = 0;
  for (const CohortId id : open_) {
    Cohort& cohort = cohorts_[id];
    if (cohort.open_blocks == 0) {
      free_.push_back(id);
      continue;
    }
    CountTime(cohort, now_ns, cohort.open_blocks);
    cohort.counted_until_ns = now_ns;
    open_[kept++] = id;
  }
  open_.resize(kept);
  AdaptSample();
  if (refitted_ns_ != 0) Forget(SecondsBetween(refitted_ns_, now_ns));
  refitted_ns_ = now_ns;
  estimator_.Fit();
  CountOpenIntervals(now_ns);
}

void ReuseObserver::Forget(double elapsed_s) {
  estimator_.Forget(elapsed_s);
  const double kept = std::exp2(-elapsed_s / HazardEstimator::kHalfLifeS);
  for (const int category : windows_.Advance(elapsed_s, kept)) {
    const ObservedWindow& now = windows_.known(category);
    estimator_.Relearn(category, now.ended.reuses(), now.expected, now.span_s);
  }
}

// Those that opened long ago count less, like those that ended then.
void ReuseObserver::CountOpenIntervals(int64_t now_ns) {
  for (int category = 0; category < kMaxCategories; ++category) {
    categories_[category] = windows_.EndedIn(category);
  }
  for (const CohortId id : open_) {
    const Cohort& cohort = cohorts_[id];
    const double age_s = SecondsBetween(cohort.opened_ns, now_ns);
    const double kept = std::exp2(-age_s / HazardEstimator::kHalfLifeS);
    categories_[cohort.category()].AddCensored(age_s, kept * cohort.weight * cohort.open_blocks);
  }
}

void ReuseObserver::AdaptSample() {
  if (open_.size() > max_cohorts_ / 4 * 3) {
    sample_.Halve();
  } else if (open_.size() < max_cohorts_ / 4) {
    sample_.Double();
  }
}

size_t ReuseObserver::memory_bytes() const {
  return cohorts_.capacity() * sizeof(Cohort) +
         (open_.capacity() + free_.capacity()) * sizeof(CohortId);
}

}  // namespace halflife
