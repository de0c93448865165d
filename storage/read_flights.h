#pragma once

#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "common/block/block_key.h"
#include "common/mutex.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// Lets requests that want one block at the same time share one SSD read: the first leads and must
// Complete, the others wait for its result. To be free of deadlock, complete everything you lead
// before you wait. Thread-safe.
class ReadFlights {
 public:
  class Flight;
  using FlightRef = std::shared_ptr<Flight>;

  // `leads` says which of the two the caller is.
  FlightRef Join(const BlockKey& key, bool* leads);
  void Complete(const BlockKey& key, const FlightRef& flight, absl::StatusOr<BlockRef> result);
  absl::StatusOr<BlockRef> Wait(const FlightRef& flight);

 private:
  Mutex mutex_;
  CondVar completed_;
  absl::flat_hash_map<BlockKey, FlightRef, BlockKeyHash> flights_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
