#include "storage/residency/categories/observation_table.h"

namespace halflife {

void ObservationTable::StartRequest(const RequestLevels& levels) {
  requests_.push_back({levels, static_cast<uint32_t>(intervals_.size())});
}

void ObservationTable::Add(double age_s, double weight, bool is_reused) {
  intervals_.push_back({static_cast<float>(age_s), static_cast<float>(weight), is_reused});
}

void ObservationTable::AddTo(size_t request, IdleHistogram& histogram) const {
  const size_t first = requests_[request].first_interval;
  const size_t end =
      request + 1 < requests_.size() ? requests_[request + 1].first_interval : intervals_.size();
  for (size_t i = first; i < end; ++i) {
    const Interval& interval = intervals_[i];
    interval.is_reused ? histogram.AddReused(interval.age_s, interval.weight)
                       : histogram.AddCensored(interval.age_s, interval.weight);
  }
}

}  // namespace halflife
