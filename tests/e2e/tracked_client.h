#pragma once

#include <cstdint>
#include <vector>

#include "client/include/halflife/client.h"
#include "tests/e2e/population.h"
#include "tests/e2e/value_tracker.h"

namespace halflife::e2e {

// Puts and gets blocks of a population through the client library and checks every byte that comes
// back. One thread at a time; several may share a client and a tracker. Borrows all three.
class TrackedClient {
 public:
  TrackedClient(client::Client* client, ValueTracker* tracker, const Population* population);

  // Of (block, part) pairs.
  struct PutCounts {
    client::Outcome outcome = client::Outcome::kUnavailable;
    uint32_t stored = 0, duplicates = 0, refused = 0, unknown = 0;
  };
  struct ReadCounts {
    client::Outcome outcome = client::Outcome::kUnavailable;
    uint32_t asked = 0;
    uint32_t right = 0;
    uint32_t wrong = 0;         // bytes that no put of this key may have left
    uint32_t revived = 0;       // bytes of a put that was deleted before the read
    uint32_t whole_blocks = 0;  // leading blocks with all parts right
    std::vector<bool> pairs;    // each that was asked for: right?
  };
  struct GetOptions {
    client::Order order = client::Order::kAscending;
    const client::Lease* lease = nullptr;
    ValueTracker::Time began = 0;  // of the lease; 0 = now
  };

  // Puts the whole stretch with new generations, in calls of at most 128 pairs and 16 MiB.
  PutCounts Put(const Stretch& stretch);
  // Gets it, in calls of the same size.
  ReadCounts Get(const Stretch& stretch, const GetOptions& options);
  ReadCounts Get(const Stretch& stretch) { return Get(stretch, GetOptions()); }
  client::LookupResult Lookup(const Stretch& stretch, bool pin = false);
  // False if it was not answered.
  bool Delete(const Stretch& stretch);
  bool DeleteFamily(uint32_t family);

 private:
  static constexpr uint64_t kCallBytes = uint64_t{16} << 20;
  static constexpr uint32_t kCallPairs = 128;

  uint32_t BlocksPerCall(uint32_t family) const;
  absl::Span<uint8_t> PayloadOf(const Family& family, size_t pair);
  client::View<client::Segment> SegmentsOf(const Family& family, size_t pair);
  void PutCall(const Stretch& stretch, PutCounts& counts);
  void GetCall(const Stretch& stretch, const GetOptions& options, ReadCounts& counts);

  client::Client* const client_;
  ValueTracker* const tracker_;
  const Population* const population_;
  std::vector<client::NamespaceHandle> namespaces_;
  // Of the call under way: [pair][block_bytes], and two segments per pair.
  std::vector<uint8_t> payloads_;
  std::vector<client::Segment> segments_;
};

}  // namespace halflife::e2e
