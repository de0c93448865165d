#include "tools/plan/tier_split.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_format.h"

namespace halflife::tools {
namespace {

// The writes and the landing of new blocks need some; two tiers of 10 % and 90 % were measured.
constexpr double kLeastDramShare = 0.1;
constexpr double kLeastSsdHitShare = 0.03;
constexpr int kSteps = 64;
constexpr double kSecondsPerHour = 3600;
constexpr double kSecondsPerDay = 86400;

// USD an hour that the next GiB of DRAM saves when its blocks else are read from SSD.
double NextDramGibUsdPerHour(const ReuseClasses& reuse, const CapacityCurves& curves,
                             const Hardware& hardware, double dram_blocks) {
  const double hits_per_gib =
      curves.HalflifeAt(dram_blocks).hits_per_block * hardware.blocks_per_gib(reuse.block_tokens);
  const double saved_s = hardware.ssd_read_block_s(reuse.block_tokens) -
                         hardware.dram_read_block_s(reuse.block_tokens);
  const double hours = reuse.duration_s / kSecondsPerHour;
  return hits_per_gib / hours * saved_s * hardware.gpu_usd_per_hour / kSecondsPerHour;
}

double DramBlocks(const ReuseClasses& reuse, const CapacityCurves& curves, const Hardware& hardware,
                  double capacity_blocks) {
  const double rent = hardware.dram_usd_per_gib_hour - hardware.ssd_usd_per_gib_hour;
  double dram = kLeastDramShare * capacity_blocks;
  for (int step = 0; step < kSteps; ++step) {
    const double next =
        std::min(capacity_blocks, dram * std::pow(1 / kLeastDramShare, 1.0 / kSteps));
    if (NextDramGibUsdPerHour(reuse, curves, hardware, next) < rent) break;
    dram = next;
  }
  return dram;
}

void AddEndurance(const ReuseClasses& reuse, const Hardware& hardware, TierSplit& split) {
  const double inserted = reuse.lookup_blocks - split.dram_hits - split.ssd_hits;
  split.considered_ssd_blocks = split.ssd_blocks;
  split.ssd_written_blocks = std::max(0.0, inserted - split.dram_blocks);
  split.ssd_written_bytes_per_day = split.ssd_written_blocks *
                                    hardware.block_bytes(reuse.block_tokens) * kSecondsPerDay /
                                    reuse.duration_s;
  split.budget_used_ratio = split.ssd_written_bytes_per_day / hardware.write_budget_bytes_per_day();
}

// Empty if an SSD tier is worth it.
std::string AgainstSsd(const ReuseClasses& reuse, const Hardware& hardware, const TierSplit& split,
                       double ssd_hit_value) {
  constexpr char kNotWorthIt[] = "an SSD tier is not worth it here: ";
  const double share = split.ssd_hits / std::max(reuse.lookup_blocks, 1.0);
  const double borne = std::min(1.0, 1 / std::max(split.budget_used_ratio, 1e-9));
  if (share < kLeastSsdHitShare) {
    return absl::StrFormat("%s%.1f %% of the references would hit it", kNotWorthIt, 100 * share);
  }
  const double recompute_s =
      ssd_hit_value / split.ssd_hits * hardware.recompute_block_s(reuse.block_tokens);
  const double read_s = hardware.ssd_read_block_s(reuse.block_tokens);
  if (read_s >= recompute_s) {
    return absl::StrFormat("%sreading a block takes %.1f ms, computing it again %.1f ms",
                           kNotWorthIt, 1e3 * read_s, 1e3 * recompute_s);
  }
  if (share * borne < kLeastSsdHitShare) {
    return absl::StrFormat(
        "%sthe drive bears %.1f %% of its writes; it takes %.0f times the drive writes per day",
        kNotWorthIt, 100 * borne, split.budget_used_ratio);
  }
  return "";
}

// Of a split that has an SSD.
std::string ForSsd(const TierSplit& split) {
  if (split.budget_used_ratio <= 1) return "both tiers pay; the drive bears all writes";
  return absl::StrFormat(
      "both tiers pay, under a write budget: the drive bears %.1f %% of the writes",
      100 / split.budget_used_ratio);
}

}  // namespace

TierSplit SplitTiers(const ReuseClasses& reuse, const CapacityCurves& curves,
                     const Hardware& hardware, double capacity_blocks) {
  TierSplit split;
  split.dram_blocks = DramBlocks(reuse, curves, hardware, capacity_blocks);
  const ExpectedHits all = curves.HalflifeAt(capacity_blocks);
  const ExpectedHits dram = curves.HalflifeAt(split.dram_blocks);
  split.ssd_blocks = capacity_blocks - split.dram_blocks;
  split.dram_hits = dram.hits;
  split.ssd_hits = all.hits - dram.hits;
  if (split.ssd_blocks > 0) AddEndurance(reuse, hardware, split);
  split.advice = AgainstSsd(reuse, hardware, split, all.hit_value - dram.hit_value);
  if (split.advice.empty()) {
    split.advice = ForSsd(split);
  } else {
    split.dram_blocks = capacity_blocks;
    split.dram_hits = all.hits;
    split.ssd_blocks = split.ssd_hits = 0;
  }
  split.last_dram_gib_usd_per_hour =
      NextDramGibUsdPerHour(reuse, curves, hardware, split.dram_blocks);
  const double computed_s =
      (reuse.lookup_value - all.hit_value) * hardware.recompute_block_s(reuse.block_tokens);
  const double loaded_s = split.dram_hits * hardware.dram_read_block_s(reuse.block_tokens) +
                          split.ssd_hits * hardware.ssd_read_block_s(reuse.block_tokens);
  split.mean_ttft_s = (computed_s + loaded_s) / static_cast<double>(reuse.requests);
  return split;
}

}  // namespace halflife::tools
