#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "common/clock.h"
#include "common/histogram.h"
#include "tools/replay/block_service.h"
#include "tools/replay/tally.h"
#include "tools/trace/request.h"

namespace halflife::tools {

// Bytes of payload that one worker holds at a time: a batch of blocks is cut to fit.
inline constexpr uint64_t kWorkerBufferBytes = uint64_t{64} << 20;

struct WorkerOptions {
  client::NamespaceHandle ns;
  uint64_t payload_bytes = 64 << 10;  // of a block, as in the namespace
  bool verify = true;                 // regenerate and compare what Get delivers
};

// Does for a request what an inference worker would: looks the prompt up, gets the prefix that is
// there in batches, and puts the rest. Borrows service and clock. Not thread-safe: one per thread.
class Worker {
 public:
  Worker(BlockService* service, const WorkerOptions& options, const Clock& clock);

  void Replay(const Request& request);
  void RecordLateness(int64_t late_ns);

  // What was counted so far.
  Tally tally() const;

 private:
  // Blocks [first, first + count) of the request under way.
  struct Range {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  uint32_t LookUp(Tally::Category& category);
  // Number of blocks from the chain's start that were delivered.
  uint32_t GetPrefix(uint32_t prefix_blocks, Tally::Category& category);
  uint32_t GetBatch(Range range);
  void PutRest(uint32_t delivered);
  bool PutBatch(Range range);
  uint32_t BatchAt(uint32_t first, uint32_t end) const;
  client::View<client::Segment> SegmentAt(uint32_t index) const { return {&segments_[index], 1}; }
  void Record(Verb verb, client::Outcome outcome, int64_t start_ns);

  BlockService* const service_;
  const WorkerOptions options_;
  const Clock& clock_;
  const uint32_t batch_blocks_;
  std::vector<uint8_t> buffer_;            // batch_blocks_ payloads
  std::vector<client::Segment> segments_;  // one per payload in buffer_
  Histogram latency_ns_[kVerbs];
  Histogram lateness_ns_;
  Tally tally_;  // without the histograms

  // Of the request under way.
  std::vector<uint64_t> blocks_;
  std::vector<client::Hash> chain_;
  client::Attributes attributes_;
};

// The hashes under which a chain of a trace is replayed: 32 uniform bytes each, from the ids of the
// block and of all before it, so that an id under two parents is two blocks, as for an engine.
void HashChain(absl::Span<const uint64_t> block_ids, std::vector<client::Hash>& hashes);

}  // namespace halflife::tools
