#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "common/executor.h"
#include "storage/tiers/dram_arena.h"

namespace halflife {

// Brings pages of the arena into being in the background, ahead of the Puts that will fill them: a
// page that is touched for the first time costs 0.5 us where memory is at hand, and 8 us in a
// virtual machine that gives free pages back to its host. And moves those that have been used into
// huge pages (DramArena::GatherPages). At the lowest priority, at a bounded rate; ends within one
// step, of a few milliseconds or, while it moves a slab, some ten. Thread-safe.
class ArenaPopulator {
 public:
  struct Options {
    // Populated memory that is free, kept in stock for the size of block that was asked for last.
    // What is not yet in stock does not exist, so the process grows with what it holds.
    uint64_t stock_bytes = 0;
    uint64_t bytes_per_s = uint64_t{256} << 20;
    // Only direct I/O gains from huge pages, and while they are moved Puts cost a sixth more.
    bool gather_pages = true;
  };

  // Borrows `arena`.
  ArenaPopulator(const Options& options, DramArena* arena);
  // Ends the background.
  ~ArenaPopulator();

  void Start();
  // Populates at most what its share of a second allows. Returns how much. Called by the
  // background; by tests instead of it.
  uint64_t Step();
  uint64_t populated_bytes() const { return populated_bytes_.load(std::memory_order_relaxed); }
  uint64_t gathered_bytes() const { return gathered_bytes_.load(std::memory_order_relaxed); }

 private:
  uint64_t Populate(uint64_t budget_bytes);
  void Gather(uint64_t budget_bytes);

  const Options options_;
  DramArena* const arena_;
  std::atomic<uint64_t> populated_bytes_{0}, gathered_bytes_{0};  // since start
  uint64_t owed_bytes_ = 0;     // of the budgets to come: a slab is moved as a whole
  DramArena::Populating slot_;  // of the step's thread
  std::unique_ptr<PeriodicTask> thread_;
};

}  // namespace halflife
