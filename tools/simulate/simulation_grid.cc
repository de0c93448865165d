#include "tools/simulate/simulation_grid.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "absl/time/time.h"
#include "common/check.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"

namespace halflife::tools {
namespace {

constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

size_t DramBlocks(const TraceCapacity& capacity, double dram_share) {
  const auto blocks = std::llround(dram_share * static_cast<double>(capacity.blocks));
  return std::clamp<size_t>(static_cast<size_t>(blocks), 1, capacity.blocks);
}

SsdAdmission::Options AdmissionOf(const GridOptions& options) {
  return {.write_budget_bytes_per_day = static_cast<uint64_t>(
              std::llround(options.write_budget_blocks_per_day * kSimulatedBlockBytes)),
          .rule = options.admission_rule};
}

void RunCell(const SimulatedTrace& trace, const GridOptions& options, GridCell& cell,
             std::atomic<uint64_t>& requests) {
  const int64_t start_ns = Clock::Real().NowNanos();
  const auto cache = cell.policy->make({.trace = &trace,
                                        .capacity_blocks = cell.capacity.blocks,
                                        .dram_blocks = cell.dram_blocks,
                                        .objective = options.objective,
                                        .seed = options.seed,
                                        .admission = AdmissionOf(options)});
  cell.result = Simulate(trace, *cache, options.second_half_only, [&requests](uint64_t served) {
    requests.fetch_add(served, std::memory_order_relaxed);
  });
  cell.seconds = static_cast<double>(Clock::Real().NowNanos() - start_ns) * 1e-9;
}

// Counts cells down to none.
class CellsLeft {
 public:
  explicit CellsLeft(size_t count) : count_(count) {}

  void CountDown() {
    {
      MutexLock lock(mutex_);
      --count_;
    }
    changed_.NotifyAll();
  }

  // Waits until there are none or the time is over. True if there are none.
  bool AwaitNone(absl::Duration time) {
    MutexLock lock(mutex_);
    if (count_ > 0) changed_.WaitFor(mutex_, time);
    return count_ == 0;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  size_t count_ ABSL_GUARDED_BY(mutex_);
};

void RunCells(const SimulatedTrace& trace, const GridOptions& options, const GridProgress& progress,
              std::vector<GridCell>& cells) {
  std::atomic<uint64_t> requests = 0;
  CellsLeft left(cells.size());
  ThreadPool pool({.name = "hl-simulate",
                   .threads = std::clamp<int>(options.jobs, 1, static_cast<int>(cells.size())),
                   .queue_limit = cells.size()});
  for (GridCell& cell : cells) {
    const bool queued = pool.Submit([&trace, &options, &cell, &requests, &left] {
      RunCell(trace, options, cell, requests);
      left.CountDown();
    });
    HL_CHECK(queued);  // the queue has room for all
  }
  const auto all = static_cast<double>(cells.size() * trace.requests.size());
  while (!left.AwaitNone(kProgressInterval)) {
    const uint64_t done = requests.load(std::memory_order_relaxed);
    if (progress) progress(all > 0 ? static_cast<double>(done) / all : 1, done);
  }
  pool.Drain();
}

std::vector<GridCell> CellsOf(const GridOptions& options,
                              const std::vector<const SimulatedPolicy*>& policies) {
  std::vector<GridCell> cells;
  for (const SimulatedPolicy* policy : policies) {
    for (const TraceCapacity& capacity : options.capacities) {
      GridCell cell;
      cell.policy = policy;
      cell.capacity = capacity;
      cell.dram_blocks =
          policy->has_two_tiers ? DramBlocks(capacity, options.dram_share) : capacity.blocks;
      if (policy->has_two_tiers) {
        cell.write_budget_blocks_per_day = options.write_budget_blocks_per_day;
      }
      cells.push_back(std::move(cell));
    }
  }
  return cells;
}

}  // namespace

std::optional<double> GridCell::gap_closed() const {
  const double gap = optimum_hit_ratio - lru_hit_ratio;
  if (gap <= 0) return std::nullopt;
  return (result.hit_ratio() - lru_hit_ratio) / gap;
}

std::vector<GridCell> RunGrid(const SimulatedTrace& trace, const GridOptions& options,
                              const GridProgress& progress) {
  if (options.policies.empty() || options.capacities.empty()) return {};
  std::vector<const SimulatedPolicy*> policies = options.policies;
  // The two ends of the gap are simulated as well when nobody asked for them.
  const auto with = [&policies](const char* name) {
    const SimulatedPolicy* policy = FindPolicy(name).value();
    const auto found = std::find(policies.begin(), policies.end(), policy);
    const auto index = static_cast<size_t>(found - policies.begin());
    if (found == policies.end()) policies.push_back(policy);
    return index;
  };
  const size_t columns = options.capacities.size();
  const size_t lru = with("lru") * columns;
  const size_t optimum = with("optimum") * columns;
  std::vector<GridCell> cells = CellsOf(options, policies);
  RunCells(trace, options, progress, cells);
  for (size_t i = 0; i < cells.size(); ++i) {
    cells[i].lru_hit_ratio = cells[lru + i % columns].result.hit_ratio();
    cells[i].optimum_hit_ratio = cells[optimum + i % columns].result.hit_ratio();
  }
  cells.resize(options.policies.size() * columns);
  return cells;
}

}  // namespace halflife::tools
