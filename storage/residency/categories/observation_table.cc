#include "storage/residency/categories/observation_table.h"

namespace halflife {

// Multiples of the golden ratio are spread evenly, whichever stretch of them one looks at (Weyl;
// Knuth, The Art of Computer Programming 3, 6.4).
bool ObservationTable::Samples(uint32_t number) const {
  return sample_.Has(number * 0x9e3779b97f4a7c15);
}

void ObservationTable::StartRequest(const RequestLevels& levels) {
  const uint32_t number = ++started_;
  while (requests_.size() >= limits_.requests && Samples(number)) Thin();
  takes_intervals_ = Samples(number);
  if (!takes_intervals_) return;
  requests_.push_back({levels, static_cast<uint32_t>(intervals_.size()), number});
}

void ObservationTable::Add(double age_s, double weight, bool is_reused) {
  while (intervals_.size() >= limits_.intervals && takes_intervals_ && requests_.size() > 1) Thin();
  if (!takes_intervals_ || intervals_.size() >= limits_.intervals) return;
  intervals_.push_back({static_cast<float>(age_s), static_cast<float>(weight), is_reused});
}

size_t ObservationTable::EndOf(size_t request) const {
  return request + 1 < requests_.size() ? requests_[request + 1].first_interval : intervals_.size();
}

void ObservationTable::Thin() {
  sample_.Halve();
  takes_intervals_ = takes_intervals_ && Samples(started_);
  size_t requests = 0, intervals = 0;
  for (size_t request = 0; request < requests_.size(); ++request) {
    if (!Samples(requests_[request].number)) continue;
    const size_t first = requests_[request].first_interval;
    const size_t end = EndOf(request);
    requests_[requests] = requests_[request];
    requests_[requests++].first_interval = static_cast<uint32_t>(intervals);
    for (size_t i = first; i < end; ++i) intervals_[intervals++] = intervals_[i];
  }
  requests_.resize(requests);
  intervals_.resize(intervals);
}

void ObservationTable::AddTo(size_t request, IdleHistogram& histogram) const {
  for (size_t i = requests_[request].first_interval; i < EndOf(request); ++i) {
    const Interval& interval = intervals_[i];
    interval.is_reused ? histogram.AddReused(interval.age_s, interval.weight)
                       : histogram.AddCensored(interval.age_s, interval.weight);
  }
}

}  // namespace halflife
