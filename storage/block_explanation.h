#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "common/block/block_id.h"
#include "storage/residency/block_standing.h"
#include "storage/residency/live/hit_ceilings.h"
#include "storage/residency/model/model_report.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

enum class MissReason : uint8_t;

// Why a block is where it is, or is not here: everything that the node knows about it, for people.
struct BlockExplanation {
  BlockHash hash;
  bool in_dram = false;
  bool on_ssd = false;
  bool pinned = false;  // somebody holds the DRAM copy: it cannot go
  // Of a block that is here:
  uint32_t depth = 0;
  uint64_t bytes = 0;
  uint32_t hits = 0;
  Category category = kUnknownCategory;
  double age_s = 0;   // since it was put here, or found on SSD at start
  double idle_s = 0;  // since it was last used
  bool is_first = false;
  bool parent_is_here = false;
  // Of a block that is not: as far as is remembered.
  MissReason reason{};
  double gone_s = 0;  // for so long; whole seconds
  // What the policy thinks of it; of a block that is gone, as of when it went. Not set if the
  // policy keeps no scores or does not know it.
  std::optional<BlockStanding> standing;

  bool is_here() const { return in_dram || on_ssd; }
};

// What the background publishes for readers, every few seconds: a value.
struct ResidencyReport {
  int64_t made_ns = 0;  // Clock time; 0 = nothing yet
  ModelReport model;
  std::array<TierPrice, kTierCount> prices;
  HitCeilings ceilings;
  size_t sample_memory_bytes = 0;
};

}  // namespace halflife
