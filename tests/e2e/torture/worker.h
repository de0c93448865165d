#pragma once

#include <atomic>
#include <random>

#include "tests/e2e/torture/counts.h"
#include "tests/e2e/torture/gate.h"
#include "tests/e2e/tracked_client.h"

namespace halflife::e2e {

// One stream of calls, the way an inference worker makes them and the ways it would not: look up
// and get a prefix, put what was missing, read back, read from the tail, under a lease, delete.
// Popular chains are asked for more often. The last family of the population is the one whose whole
// namespace is deleted now and then.
class Worker {
 public:
  struct Shared {
    Gate* gate = nullptr;
    ValueTracker* tracker = nullptr;
    const Population* population = nullptr;
    const std::atomic<Counts*>* counts = nullptr;  // of the phase
  };

  // Borrows everything; `seed` decides what it asks for.
  Worker(const Shared& shared, client::Client* client, uint64_t seed);

  // Thread body: until the gate says stop.
  void Run();

 private:
  uint64_t Below(uint64_t limit) { return random_() % limit; }
  Counts& counts() { return *shared_.counts->load(); }
  Stretch SomePrefix();
  void Step();
  void Serve();
  void ReadUnderLease(const Stretch& stretch);
  void ReadFromTheMiddle();
  void PutAndReadBack();
  void Delete();
  TrackedClient::ReadCounts Read(const Stretch& stretch, const TrackedClient::GetOptions& options);
  TrackedClient::PutCounts Put(const Stretch& stretch);
  void Note(client::Outcome outcome);

  const Shared shared_;
  TrackedClient client_;
  std::mt19937_64 random_;
  bool alone_ = false;  // the last call found nobody
};

}  // namespace halflife::e2e
