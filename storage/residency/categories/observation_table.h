#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "storage/residency/categories/request_levels.h"
#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// Requests of one window, each with its levels and the idle intervals of its blocks. The blocks of
// a request move together, so they are one observation: weights are 1 / blocks of the request.
//
//   (StartRequest (AddReused | AddCensored)*)*
//
// About 16 bytes per interval and 24 per request; whoever fills it says when it is enough. Not
// thread-safe.
class ObservationTable {
 public:
  void StartRequest(const RequestLevels& levels);
  // Of the request that was started last: `weight` of its blocks were used again at this age, or
  // were last seen at it without (still open at the end of the window, or out of sight).
  void AddReused(double age_s, double weight) { Add(age_s, weight, true); }
  void AddCensored(double age_s, double weight) { Add(age_s, weight, false); }

  size_t request_count() const { return requests_.size(); }
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
  };
  void Add(double age_s, double weight, bool is_reused);

  std::vector<Observation> requests_;
  std::vector<Interval> intervals_;
};

// A tree is grown on one window and tested on the one after it.
struct ObservationWindows {
  ObservationTable train;
  ObservationTable next;
};

}  // namespace halflife
