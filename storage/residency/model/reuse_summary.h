#pragma once

#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// What the idle intervals of a category say about reuse, in the form that a person compares.
struct ReuseSummary {
  double intervals = 0;  // in requests: the blocks of one request are one observation
  // Of the model that is used (uses_exponential).
  double reuse_probability = 0;
  double half_life_s = 0;  // half of the reuse has come by then
  double mean_s = 0;       // of the gaps that end in reuse
  // Whether the exponential describes the intervals well enough; else the life table is used.
  bool uses_exponential = false;
  double fit_distance = 0;  // between the two, while anything was observed
  DefectiveExponential exponential;
  SurvivalCurve life_table{};
};

// `horizon_s`: no interval was watched for longer.
ReuseSummary SummariseReuse(const IdleHistogram& intervals, double horizon_s);

}  // namespace halflife
