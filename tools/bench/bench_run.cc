#include "tools/bench/bench_run.h"

#include <sys/resource.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "tools/bench/bench_caller.h"
#include "tools/bench/working_set.h"

namespace halflife::tools {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(100);

double ProcessCpuSeconds() {
  rusage own{};
  getrusage(RUSAGE_SELF, &own);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(own.ru_utime) + seconds(own.ru_stime);
}

// The callers of a run on threads of their own, phase by phase.
class Run {
 public:
  Run(BlockService& service, const client::NamespaceHandle& ns, const BenchOptions& options,
      const BenchWatch& watch, const Clock& clock)
      : options_(options),
        watch_(watch),
        clock_(clock),
        working_set_(options.working_set_bytes / options.call_bytes()),
        threads_(ThreadPool::Options{.name = "hl-bench", .threads = options.callers}) {
    for (int i = 0; i < options.callers; ++i) {
      callers_.push_back(std::make_unique<BenchCaller>(
          &service, ns, options, &working_set_,
          BenchCaller::Caller{options.seed + static_cast<uint64_t>(i), &clock}));
    }
  }

  BenchResult Measure() {
    BenchResult result;
    Phase("filling", absl::InfiniteDuration(), [this](BenchCaller& caller) {
      if (fill_.load(std::memory_order_relaxed) != client::Outcome::kOk) return false;
      const auto outcome = caller.Fill();
      if (!outcome) return false;
      chains_put_.fetch_add(1, std::memory_order_relaxed);
      // A daemon that has no room has the working set it can have.
      if (*outcome == client::Outcome::kOk || *outcome == client::Outcome::kRefused) return true;
      fill_.store(*outcome, std::memory_order_relaxed);
      return false;
    });
    result.fill = fill_.load(std::memory_order_relaxed);
    if (result.fill == client::Outcome::kOk && options_.warm_up > absl::ZeroDuration()) {
      Phase("warming up", options_.warm_up, [](BenchCaller& caller) {
        caller.Call(/*counted=*/false);
        return true;
      });
    }
    if (result.fill == client::Outcome::kOk) MeasurePhase(result);
    result.interrupted = Interrupted();
    for (const auto& caller : callers_) result.tally.Add(caller->tally());
    return result;
  }

 private:
  void MeasurePhase(BenchResult& result) {
    const double cpu_before_s = ProcessCpuSeconds();
    const int64_t begun_ns = clock_.NowNanos();
    Phase("measuring", options_.count > 0 ? absl::InfiniteDuration() : options_.duration,
          [this](BenchCaller& caller) {
            if (options_.count > 0 &&
                calls_.fetch_add(1, std::memory_order_relaxed) >= options_.count) {
              return false;
            }
            caller.Call(/*counted=*/true);
            return true;
          });
    result.seconds = static_cast<double>(clock_.NowNanos() - begun_ns) * 1e-9;
    result.client_cpu_s = ProcessCpuSeconds() - cpu_before_s;
  }

  // Every caller does `step` until it returns false, the time is over or the run is interrupted.
  template <typename Step>
  void Phase(const char* name, absl::Duration time, Step step) {
    const absl::Duration begun = clock_.Now();
    const absl::Duration end = begun + time;
    std::atomic<int> busy{static_cast<int>(callers_.size())};
    for (const auto& caller : callers_) {
      HL_CHECK(threads_.Submit([this, end, step, &busy, caller = caller.get()] {
        while (!Interrupted() && clock_.Now() < end && step(*caller)) {
        }
        // Under the lock: when the last caller has let go of it, `busy` may end.
        MutexLock lock(mutex_);
        if (busy.fetch_sub(1, std::memory_order_relaxed) == 1) ended_.NotifyOne();
      }));
    }
    for (;;) {
      {
        MutexLock lock(mutex_);
        if (busy.load(std::memory_order_relaxed) == 0) return;
        ended_.WaitFor(mutex_, kTick);
        if (busy.load(std::memory_order_relaxed) == 0) return;
      }
      if (watch_.progress) watch_.progress(name, Share(begun, time));
    }
  }

  double Share(absl::Duration begun, absl::Duration time) const {
    if (time < absl::InfiniteDuration()) return absl::FDivDuration(clock_.Now() - begun, time);
    const auto of = [](const std::atomic<uint64_t>& done, uint64_t all) {
      return static_cast<double>(done.load(std::memory_order_relaxed)) / static_cast<double>(all);
    };
    const bool filling = chains_put_.load(std::memory_order_relaxed) < working_set_.size();
    return filling ? of(chains_put_, working_set_.size()) : of(calls_, options_.count);
  }

  bool Interrupted() const {
    return watch_.interrupted != nullptr && watch_.interrupted->load(std::memory_order_relaxed);
  }

  const BenchOptions& options_;
  const BenchWatch& watch_;
  const Clock& clock_;
  WorkingSet working_set_;
  std::vector<std::unique_ptr<BenchCaller>> callers_;
  std::atomic<uint64_t> chains_put_{0}, calls_{0};
  std::atomic<client::Outcome> fill_{client::Outcome::kOk};
  Mutex mutex_;
  CondVar ended_;
  ThreadPool threads_;  // last: its threads use all of the above
};

}  // namespace

BenchResult RunBench(BlockService& service, const client::NamespaceHandle& ns,
                     const BenchOptions& options, const BenchWatch& watch, const Clock& clock) {
  return Run(service, ns, options, watch, clock).Measure();
}

}  // namespace halflife::tools
