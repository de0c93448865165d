#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "common/histogram.h"
#include "storage/tiers/dram_arena.h"
#include "storage/tiers/inline_space.h"
#include "storage/tiers/rocks_options.h"
#include "storage/tiers/slot_engine.h"
#include "storage/tiers/slot_space.h"
#include "storage/tiers/ssd_partition.h"
#include "storage/tiers/ssd_quota.h"
#include "storage/tiers/ssd_tier.h"

namespace halflife {

// Counters of the tier since start, by the names of SsdTier::Stats.
struct SsdCounters {
  std::atomic<uint64_t> read_bytes{0}, written_bytes{0};
  std::atomic<uint64_t> reads_ok{0}, reads_missing{0}, reads_corrupt{0}, reads_failed{0};
  std::atomic<uint64_t> writes_ok{0}, writes_refused{0}, writes_failed{0};
  std::atomic<uint64_t> entries_dropped{0};
  std::atomic<uint64_t> blocks_moved{0};
  std::atomic<uint64_t> queue_depth{0};
  std::atomic<uint64_t> device_reads{0}, device_writes{0};
  std::atomic<uint64_t> timeouts{0};
  Histogram read_ns, write_ns, erase_ns;

  static void Add(std::atomic<uint64_t>& counter, uint64_t by = 1) {
    counter.fetch_add(by, std::memory_order_relaxed);
  }
};

// What one operation on the tier works with. Built by RocksSsdTier::Open, constant afterwards but
// for what its members guard themselves.
struct SsdContext {
  DramArena& arena;
  const Clock& clock;
  const uint64_t inline_payload_max_bytes;
  // What a batch has beside TransferTime until it is given up.
  const absl::Duration read_timeout, write_timeout;
  SsdQuota quota;
  SlotSpace slots;
  InlineSpace inline_space;
  RocksShared rocks;
  std::vector<std::unique_ptr<SsdPartition>> partitions;
  SsdCounters counters;
  // An inline block found no room although the live ones leave some: erased bytes wait for a
  // compaction.
  std::atomic<bool> compaction_wanted{false};

  SsdPartition& PartitionOf(const BlockKey& key) {
    return *partitions[key.Head() % partitions.size()];
  }
  // Null if the location names no partition of ours.
  SsdPartition* PartitionAt(const SsdLocation& location) {
    return location.partition < partitions.size() ? partitions[location.partition].get() : nullptr;
  }
  // What the slowest device that is worth having needs: 100 MB/s.
  static absl::Duration TransferTime(uint64_t bytes) {
    return absl::Nanoseconds(static_cast<int64_t>(bytes) * 10);
  }
  // So much was given up and has not come back that asking for more would only tie up more callers
  // and memory. The device's late answers end this state.
  static bool DeviceIsStuck(SlotEngine& engine) {
    if (engine.stuck_count() < kStuckTransfers) return false;
    engine.Reap();
    return engine.stuck_count() >= kStuckTransfers;
  }
  static constexpr size_t kStuckTransfers = 4;
  // Before the index is told of another place for the block.
  void NoteCopy(const SsdErase& former) {
    if (former.location.file == 0) return;
    slots.NoteCopy(PlaceOf(former.location), SlotOwner::Of(former.key, former.location));
  }
  static SlotPlace PlaceOf(const SsdLocation& location) { return {location.file, location.slot}; }

  // What RocksDB holds now, over all partitions.
  InlineSpace::Use InlineUse() const;
};

}  // namespace halflife
