#pragma once

#include <array>

#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// Probability that a block which is idle at the beginning of an age bin is used within the bin.
// Both models come down to it, so that their likelihoods compare.
using BinHazard = std::array<double, kAgeBins>;

// When the blocks of a category are used again: the exponential where it describes them, the life
// table where it does not.
struct LeafModel {
  bool uses_exponential = true;
  DefectiveExponential exponential;
  double fit_distance = 0;  // largest difference of the two survival curves
  BinHazard hazard{};       // of the one that is used

  // ln of the probability of these intervals, in nats; the weights of a request add up to 1.
  // Discrete-time survival: an interval that ends in bin b passed through the bins below it, one
  // that is censored in b passed through half of it (actuarial life table; Cox & Oakes, "Analysis
  // of Survival Data", 1984, 4.2).
  double LogLikelihood(const IdleHistogram& intervals) const;
};

// `prior`: a hazard that few observations are drawn to (kPriorRequests). `horizon_s`: no interval
// was watched for longer.
LeafModel FitLeafModel(const IdleHistogram& intervals, const BinHazard& prior, double horizon_s);
// The same with the model given: for comparisons in which it must not change.
LeafModel FitAsExponential(const IdleHistogram& intervals);
LeafModel FitAsLifeTable(const IdleHistogram& intervals, const BinHazard& prior);

// What is assumed where nothing was seen: the exponential over all intervals.
BinHazard PriorHazard(const IdleHistogram& all_intervals);

// Free parameters of a life table: one per bin in which reuse was seen.
int LifeTableParameters(const IdleHistogram& intervals);

}  // namespace halflife
