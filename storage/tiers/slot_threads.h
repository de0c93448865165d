#pragma once

#include <atomic>

#include "common/executor.h"
#include "storage/tiers/slot_engine.h"

namespace halflife {

// SlotEngine over pread and pwrite in the threads of an executor: where io_uring is not to be had.
// As many transfers are on the device at a time as there are threads. Borrows both; no task may run
// on after `io` is gone.
class SlotThreads final : public SlotEngine {
 public:
  SlotThreads(SlotIo& io, Executor& executor) : io_(io), executor_(executor) {}

  std::unique_ptr<SlotLane> OpenLane(absl::Duration timeout) override;
  size_t stuck_count() const override { return stuck_->load(std::memory_order_relaxed); }
  void Reap() override {}  // a late transfer ends in its thread
  bool uses_io_uring() const override { return false; }

 private:
  SlotIo& io_;
  Executor& executor_;
  const std::shared_ptr<std::atomic<size_t>> stuck_ = std::make_shared<std::atomic<size_t>>(0);
};

}  // namespace halflife
