#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "storage/residency/model/idle_histogram.h"
#include "tools/simulate/simulated_trace.h"

namespace halflife::tools {

// Values with how often each occurred.
class WeightedSample {
 public:
  void Add(double value, uint64_t count) { values_.emplace_back(value, count); }
  uint64_t count() const;
  // Sorts. q in [0, 1]: the smallest value that at least this share does not exceed. 0 if empty.
  double Quantile(double q);
  // Sorts. Every value once, with how often it occurred.
  std::vector<std::pair<double, uint64_t>> counts();

 private:
  void Sort();

  std::vector<std::pair<double, uint64_t>> values_;
  bool sorted_ = false;
};

struct BlockTotals {
  uint64_t requests = 0;
  uint64_t blocks = 0;      // referenced
  uint64_t hit_blocks = 0;  // thereof seen before: hits of an infinite cache
};

// What a trace's reuse is like, whatever the cache.
struct TraceAnalysis {
  struct OfCategory {
    BlockTotals totals;
    // Idle intervals that its requests opened, 1/n per block of a request of n, without those of
    // shared heads. Right-censored at the end of the trace; of the halves, at the end of the half
    // in which they were opened.
    IdleHistogram intervals;
    std::array<IdleHistogram, 2> halves;
  };
  // Blocks at depths [first, end).
  struct AtDepth {
    uint64_t first = 0;
    uint64_t end = 0;
    uint64_t blocks = 0;
    uint64_t hit_blocks = 0;
  };

  BlockTotals totals;
  uint64_t unique_blocks = 0;
  uint32_t block_tokens = 0;
  uint64_t sessions = 0;
  double duration_s = 0;
  double saved_recompute_ratio = 0;  // of an infinite cache
  // Share of the blocks that are used most -> their share of all hits.
  std::vector<std::pair<double, double>> skew;
  // How often a block was used again -> unique blocks, from the most on.
  std::vector<std::pair<uint64_t, uint64_t>> reuse_counts;
  uint64_t reused_blocks = 0;   // unique blocks with at least one hit
  WeightedSample reuse_gap_s;   // of every hit
  WeightedSample lifespan_s;    // of every unique block: first to last touch
  std::vector<AtDepth> depths;  // 0, 1, 2-3, 4-7, …
  std::vector<AtDepth> every_depth;
  BlockTotals single_turn;  // sessions of one request
  BlockTotals first_turns;  // of the others
  BlockTotals later_turns;
  uint64_t hits_within_session = 0;  // whose last touch was by the same session
  OfCategory all;
  // Idle intervals of blocks that many sessions have in common (a system prompt), whoever touched
  // them. They would hide how a category's own blocks behave: in the Mooncake chat trace one block
  // is touched three times a second. Totals are not filled.
  OfCategory shared_heads;
  std::vector<std::pair<std::string, OfCategory>> categories;  // most requests first
};

// One pass over the references; about 20 bytes per unique block and 20 per request.
TraceAnalysis AnalyzeTrace(const SimulatedTrace& trace);

}  // namespace halflife::tools
