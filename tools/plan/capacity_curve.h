#pragma once

#include <vector>

#include "tools/plan/reuse_classes.h"

namespace halflife::tools {

// What a cache of some size is expected to hit over the whole trace.
struct ExpectedHits {
  double hits = 0;
  double hit_value = 0;  // recompute time saved, in that of a first block
  // What one more block would add: the price of the next byte.
  double hits_per_block = 0;
  double value_per_block = 0;
};

// Hits as a function of capacity, from what a cutoff keeps: per slot of time, and from the
// strictest cutoff to none, how many blocks it keeps there and what these hit. A cache of a fixed
// size has another cutoff in every slot: the one that just fills it.
class CapacityCurve {
 public:
  struct Kept {
    double blocks = 0;
    double hits = 0;
    double hit_value = 0;
  };

  // Cutoff 0 keeps nothing.
  CapacityCurve(int slots, int cutoffs);

  void Add(int slot, int cutoff, const Kept& kept);
  ExpectedHits At(double capacity_blocks) const;

  // Smallest capacity up to `max_blocks` with at least so many hits; negative if there is none.
  double CapacityFor(double hits, double max_blocks) const;

 private:
  const int slots_;
  const int cutoffs_;
  std::vector<Kept> kept_;  // slot by slot
};

enum class Load {
  kTrace,   // as it is, from an empty cache on: what the simulator counts
  kSteady,  // as if the trace had been repeated before: what a daemon sees that runs for long
};

struct CapacityCurves {
  // Keeps what will be reused, the soonest first, for as long as that takes. By Little's law what
  // that occupies is the least that any policy needs.
  CapacityCurve clairvoyant;
  CapacityCurve lru;    // one common age T
  CapacityCurve index;  // the model's: per class the age at which its index falls under a price

  // Under the guard: the model or recency, whichever hits more.
  ExpectedHits HalflifeAt(double capacity_blocks) const;
  double HalflifeCapacityFor(double hits, double max_blocks) const;
};

// Denning's working-set identity (CACM 11(5), 1968) with a life table per class: with L_c the rate
// of intervals that class c opens and S_c their survival, keeping a block for T_c after its touch
// occupies  sum_c int_0^Tc L_c(t - a) S_c(a) da  blocks at time t and hits
// sum_c int_0^Tc L_c(t - a) (-dS_c/da) da  a second. A common T is LRU (Che's approximation); ages
// at which the retention index comes down to a price are the model. L_c is a mean over a slot, not
// over the trace: where the load comes and goes, so does T. Fluctuations within a slot are left
// out.
CapacityCurves CurvesOf(const ReuseClasses& reuse, Load load);

}  // namespace halflife::tools
