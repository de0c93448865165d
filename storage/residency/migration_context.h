#pragma once

#include "common/clock.h"
#include "storage/index/block_index.h"
#include "storage/namespace_ledger.h"
#include "storage/removal_memory.h"
#include "storage/residency/live/request_sample.h"
#include "storage/residency/residency_policy.h"
#include "storage/residency/ssd_admission.h"
#include "storage/store_counters.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// What the parts of the migrator work on. All borrowed; `ssd` is null without an SSD tier.
struct MigrationContext {
  BlockIndex* index = nullptr;
  DramArena* arena = nullptr;
  SsdTier* ssd = nullptr;
  const Clock* clock = nullptr;
  RemovalMemory* removals = nullptr;
  StoreCounters* counters = nullptr;
  ResidencyPolicy* policy = nullptr;
  SsdAdmission* admission = nullptr;
  RequestSample* sample = nullptr;    // of what is looked up; may be null
  NamespaceLedger* ledger = nullptr;  // may be null: no limits of namespaces
};

}  // namespace halflife
