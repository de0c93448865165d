#pragma once

#include <string>

#include "tools/plan/capacity_curve.h"
#include "tools/plan/hardware.h"

namespace halflife::tools {

// How a capacity is best divided into DRAM and SSD, and what that does.
struct TierSplit {
  double dram_blocks = 0;
  double ssd_blocks = 0;
  double dram_hits = 0;
  double ssd_hits = 0;
  // DRAM's price per hour of its last GiB, and what that GiB saves in GPU time against SSD.
  double last_dram_gib_usd_per_hour = 0;
  // Writes to SSD over the trace: each block that is inserted goes there once, when DRAM first lets
  // it go, unless it is in DRAM to the end; promotion keeps the copy. The model's admission writes
  // less.
  // Of the tiers below, also where the advice is to have no SSD.
  double considered_ssd_blocks = 0;
  double ssd_written_blocks = 0;
  double ssd_written_bytes_per_day = 0;
  double budget_used_ratio = 0;  // of what the drive bears
  double mean_ttft_s = 0;        // prefill of what misses, load of what hits; no queueing
  std::string advice;
};

// Of `capacity_blocks` under Halflife's order in both tiers, which are taken to hit what one tier
// of that size would. They hit less: docs/plan.md.
//
// DRAM grows from a tenth of the capacity for as long as its next GiB saves more GPU time, at its
// price, than DRAM costs over SSD. There is an SSD tier only if reading a block is faster than
// computing it again, and more than 3 % of the references would hit it: in proportion to the writes
// that the drive bears, which is the least that admission in the order of the index keeps.
TierSplit SplitTiers(const ReuseClasses& reuse, const CapacityCurves& curves,
                     const Hardware& hardware, double capacity_blocks);

}  // namespace halflife::tools
