#include "storage/read_flights.h"

#include <utility>

namespace halflife {

// Guarded by the mutex of its ReadFlights until the result is there; constant from then on.
class ReadFlights::Flight {
 public:
  std::optional<absl::StatusOr<BlockRef>> result;
};

ReadFlights::FlightRef ReadFlights::Join(const BlockKey& key, bool* leads) {
  auto fresh = std::make_shared<Flight>();
  MutexLock lock(mutex_);
  auto [it, added] = flights_.try_emplace(key, fresh);
  *leads = added;
  return it->second;
}

void ReadFlights::Complete(const BlockKey& key, const FlightRef& flight,
                           absl::StatusOr<BlockRef> result) {
  FlightRef finished;  // let go behind the lock: it may be the last to hold the block
  {
    MutexLock lock(mutex_);
    flight->result = std::move(result);
    auto it = flights_.find(key);
    if (it != flights_.end() && it->second == flight) {
      finished = std::move(it->second);
      flights_.erase(it);
    }
  }
  completed_.NotifyAll();
}

absl::StatusOr<BlockRef> ReadFlights::Wait(const FlightRef& flight) {
  MutexLock lock(mutex_);
  while (!flight->result.has_value()) completed_.Wait(mutex_);
  return *flight->result;
}

}  // namespace halflife
