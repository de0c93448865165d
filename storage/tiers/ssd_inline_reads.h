#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "common/executor.h"
#include "storage/tiers/ssd_slot_reads.h"

namespace halflife {

// The inline blocks of one batch of reads: RocksDB waits for the medium in the thread that asks, so
// they are read by an executor, and whoever wants them can go before they are there.
//   Start Collect
class SsdInlineReads {
 public:
  using ReadOne = std::function<SsdReadOutcome(const SsdRead&)>;

  // `read_one` runs in the executor's threads, maybe after this object is gone. Borrows nothing
  // else.
  SsdInlineReads(std::vector<SsdRead> reads, ReadOne read_one);

  // By at most `threads` tasks.
  void Start(Executor& executor, size_t threads);
  // In the order of the reads, null if it was not there within `timeout`.
  std::vector<std::unique_ptr<SsdReadOutcome>> Collect(absl::Duration timeout);

 private:
  struct Shared;

  const std::shared_ptr<Shared> shared_;
  bool started_ = false;  // by one task at least, which may do all
};

}  // namespace halflife
