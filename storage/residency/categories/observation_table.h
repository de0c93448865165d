#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "storage/residency/categories/request_levels.h"
#include "storage/residency/model/hash_sample.h"
#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// Requests of one window, each with its levels and the idle intervals of its blocks. The blocks of
// a request move together, so they are one observation: weights are 1 / blocks of the request.
//
//   (StartRequest (AddReused | AddCensored)*)*
//
// Bounded: 12 bytes per interval and 24 per request, 16 MB. When it is full, every other request is
// let go and only as many of those that follow are taken, so that what is left is spread evenly
// over the window. Not thread-safe.
class ObservationTable {
 public:
  struct Limits {
    size_t requests = size_t{1} << 17;
    size_t intervals = size_t{1} << 20;
  };

  ObservationTable() : ObservationTable(Limits()) {}
  explicit ObservationTable(const Limits& limits) : limits_(limits) {}

  void StartRequest(const RequestLevels& levels);
  // Of the request that was started last: `weight` of its blocks were used again at this age, or
  // were last seen at it without (still open at the end of the window, or out of sight).
  void AddReused(double age_s, double weight) { Add(age_s, weight, true); }
  void AddCensored(double age_s, double weight) { Add(age_s, weight, false); }

  // Those that are in the sample.
  size_t request_count() const { return requests_.size(); }
  size_t interval_count() const { return intervals_.size(); }
  double sample_rate() const { return sample_.rate(); }
  const RequestLevels& levels(size_t request) const { return requests_[request].levels; }
  // Adds the request's intervals.
  void AddTo(size_t request, IdleHistogram& histogram) const;

 private:
  struct Interval {
    float age_s;
    float weight;
    bool is_reused;
  };
  struct Observation {
    RequestLevels levels;
    uint32_t first_interval;
    uint32_t number;  // which it was
  };
  void Add(double age_s, double weight, bool is_reused);
  size_t EndOf(size_t request) const;
  bool Samples(uint32_t number) const;
  void Thin();

  Limits limits_;
  HashSample sample_;
  uint32_t started_ = 0;
  bool takes_intervals_ = false;  // of the request that was started last
  std::vector<Observation> requests_;
  std::vector<Interval> intervals_;
};

// A tree is grown on one window and tested on the one after it.
struct ObservationWindows {
  ObservationTable train;
  ObservationTable next;
};

}  // namespace halflife
