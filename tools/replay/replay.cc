#include "tools/replay/replay.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "common/check.h"
#include "common/executor.h"
#include "common/mutex.h"
#include "common/status.h"
#include "tools/replay/dispatch_queue.h"

namespace halflife::tools {
namespace {

// Requests that wait for a worker; more only cost memory (an agent's request is up to 15 KB of
// ids).
constexpr size_t kQueueLimit = 256;

// Idle waiting of the thread that feeds an open loop.
class Pacer {
 public:
  explicit Pacer(const Clock& clock) : clock_(clock) {}

  void WaitUntil(int64_t due_ns) {
    MutexLock lock(mutex_);
    for (int64_t now_ns = clock_.NowNanos(); now_ns < due_ns; now_ns = clock_.NowNanos()) {
      idle_.WaitFor(mutex_, absl::Nanoseconds(due_ns - now_ns));
    }
  }

 private:
  const Clock& clock_;
  Mutex mutex_;
  CondVar idle_;
};

void RunWorker(Worker& worker, DispatchQueue& queue, const ReplayOptions& options,
               const Clock& clock) {
  DispatchQueue::Item item;
  while (queue.Pop(item)) {
    if (options.at_time) options.at_time(item.elapsed_s);
    if (item.due_ns > 0) worker.RecordLateness(clock.NowNanos() - item.due_ns);
    worker.Replay(item.request);
    queue.Done(item);
  }
}

// Reads the trace and hands its requests out, each at its time. Returns: what source.Next returns.
absl::Status Feed(RequestSource& source, const ReplayOptions& options, const Clock& clock,
                  DispatchQueue& queue) {
  Pacer pacer(clock);
  const int64_t start_ns = clock.NowNanos();
  double first_time_s = 0;
  for (uint64_t count = 0; options.limit == 0 || count < options.limit; ++count) {
    DispatchQueue::Item item;
    HL_ASSIGN_OR_RETURN(const bool any, source.Next(item.request));
    if (!any) break;
    if (count == 0) first_time_s = item.request.time_s;
    item.elapsed_s = std::max(0.0, item.request.time_s - first_time_s);
    if (options.speed > 0) {
      item.due_ns = start_ns + DueNanos(item.request.time_s, first_time_s, options.speed);
      pacer.WaitUntil(item.due_ns);
    }
    queue.Push(std::move(item));
    double share = source.progress();
    if (options.limit > 0) {
      share = std::max(share, static_cast<double>(count) / static_cast<double>(options.limit));
    }
    if (options.progress) options.progress(share, count + 1);
  }
  return absl::OkStatus();
}

}  // namespace

int64_t DueNanos(double time_s, double first_time_s, double speed) {
  return static_cast<int64_t>(std::max(0.0, time_s - first_time_s) / speed * 1e9);
}

absl::StatusOr<ReplayResult> Replay(RequestSource& source, BlockService& service,
                                    const ReplayOptions& options, const Clock& clock) {
  DispatchQueue queue(kQueueLimit);
  std::vector<std::unique_ptr<Worker>> workers;
  ThreadPool threads(ThreadPool::Options{.name = "hl-replay", .threads = options.concurrency});
  const int64_t start_ns = clock.NowNanos();
  for (int i = 0; i < options.concurrency; ++i) {
    workers.push_back(std::make_unique<Worker>(&service, options.worker, clock));
    Worker* worker = workers.back().get();
    HL_CHECK(threads.Submit(
        [worker, &queue, &options, &clock] { RunWorker(*worker, queue, options, clock); }));
  }
  const absl::Status status = Feed(source, options, clock, queue);
  queue.Close();
  threads.Drain();
  HL_RETURN_IF_ERROR(status);

  ReplayResult result;
  result.seconds = static_cast<double>(clock.NowNanos() - start_ns) * 1e-9;
  for (const auto& worker : workers) result.tally.Add(worker->tally());
  return result;
}

}  // namespace halflife::tools
