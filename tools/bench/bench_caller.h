#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "tools/bench/bench_options.h"
#include "tools/bench/bench_tally.h"
#include "tools/bench/working_set.h"
#include "tools/replay/block_service.h"
#include "tools/workload/random.h"

namespace halflife::tools {

// One caller of a benchmark, with one call under way at a time: Gets of chains of the working set,
// or Puts of new chains that replace old ones. Every block carries what it is at its beginning and
// its end, so that a wrong one is noticed whether or not the client verifies checksums. Borrows all
// but the options. Not thread-safe: one per thread.
class BenchCaller {
 public:
  struct Caller {
    uint64_t seed = 1;  // differs between callers
    const Clock* clock = nullptr;
  };
  BenchCaller(BlockService* service, client::NamespaceHandle ns, const BenchOptions& options,
              WorkingSet* working_set, const Caller& caller);

  // Puts the next chain of the working set; not counted. Returns what became of it, or nothing when
  // the working set is full.
  std::optional<client::Outcome> Fill();
  // One Get or Put, as the mix has it. `counted`: it is part of the tally.
  void Call(bool counted);
  BenchTally tally() const;

 private:
  // What a block carries at its beginning and its end.
  struct BlockStamp {
    uint64_t chain = 0;
    uint64_t block = 0;
  };
  struct Counts {
    CallTally tally;  // without latencies
    Histogram latency_ns;
    void Record(client::Outcome outcome, int64_t took_ns);
    CallTally Sum() const;
  };

  // `counts` null: not counted.
  void Get(const WorkingSet::Read& read, Counts* counts);
  client::Outcome Put(const WorkingSet::Write& write, Counts* counts);
  void NameBlocks(uint64_t chain);
  void Stamp(const BlockStamp& stamp, uint32_t place);
  bool IsStamped(const BlockStamp& stamp, uint32_t place) const;
  uint8_t* BlockAt(uint32_t block) { return buffer_.data() + block * options_.block_bytes; }
  const uint8_t* BlockAt(uint32_t block) const {
    return buffer_.data() + block * options_.block_bytes;
  }

  BlockService* const service_;
  const client::NamespaceHandle ns_;
  const BenchOptions options_;
  WorkingSet* const working_set_;
  const Clock& clock_;
  Random random_;
  std::vector<uint8_t> buffer_;  // one call
  std::vector<client::Segment> segments_;
  std::vector<client::Hash> chain_;  // of the call under way
  Counts get_, put_;
  uint64_t failed_deletes_ = 0;
};

}  // namespace halflife::tools
