#include "client/src/core.h"

#include <grpcpp/alarm.h>
#include <unistd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "client/src/call.h"
#include "client/src/control_calls.h"
#include "client/src/freed_memory.h"
#include "client/src/shm_path.h"
#include "common/check.h"

namespace halflife::client {
namespace {

// Clients that lost one daemon must not come back in step: each takes its own.
uint64_t NewSeed() {
  return static_cast<uint64_t>(Clock::Real().NowNanos()) ^ static_cast<uint64_t>(getpid()) << 32;
}

Breaker::Options BreakerOptions(const Options& options) {
  return {.failures = options.breaker_failures,
          .open = absl::FromChrono(options.breaker_open),
          .open_max = absl::FromChrono(options.breaker_open_max),
          .seed = NewSeed()};
}

RecoveryProbe::Options RecoveryOptions(const Options& options) {
  RecoveryProbe::Options recovery{.seed = NewSeed()};
  recovery.pause_max = std::max(recovery.pause, absl::FromChrono(options.breaker_open_max));
  return recovery;
}

}  // namespace

ClientCore::ClientCore(const Options& options, bool disabled)
    : options_(options),
      disabled_(disabled),
      process_(getpid()),
      breaker_(BreakerOptions(options), &Clock::Real()),
      timer_(&Clock::Real()),
      namespaces_(*this),
      health_(*this),
      recovery_(RecoveryOptions(options), &breaker_, &Clock::Real(), WaysOfRecovery()) {}

void ClientCore::Start() {
  if (!disabled_) KeepFreedMemory();
  shm_ = std::make_shared<ShmPath>(*this);
  channels_ = std::make_unique<Channels>(
      Channels::Options{.endpoint = options_.endpoint,
                        .connections = disabled_ ? 0 : options_.connections},
      loop_, [this](bool again) { OnConnected(again); });
  threads_ = std::make_unique<ThreadPool>(
      ThreadPool::Options{.name = "hl-client", .threads = 2, .queue_limit = 2});
  HL_CHECK(threads_->Submit([this] { loop_.Run(); }));
  HL_CHECK(threads_->Submit([this] { timer_.Run(); }));
  channels_->StartWatching();
}

void ClientCore::Shutdown() {
  std::vector<std::shared_ptr<Call>> calls;
  {
    MutexLock lock(mutex_);
    ending_ = true;
    for (const auto& [raw, call] : calls_) calls.push_back(call);
  }
  for (const auto& call : calls) {
    if (!call->survives_shutdown()) call->End(Outcome::kUnavailable);
  }
  calls.clear();
  shm_->RefuseCalls();
  WaitForCalls();
  loop_.RefuseRpcs();
  namespaces_.CancelAll();
  health_.Cancel();
  loop_.WaitForRpcs();
  CloseQueue();
  shm_->Stop();
}

void ClientCore::WaitForCalls() {
  shm_->WaitForCalls();
  MutexLock lock(mutex_);
  while (!calls_.empty()) quiet_.Wait(mutex_);
}

bool ClientCore::LacksSharedMemory() const {
  return shm_->required() && (forked() || shm_->memory() == nullptr);
}

bool ClientCore::GoesByWorkers() const {
  // In a forked child any mutex may be held by a thread that does not exist there.
  return !disabled_ && !forked() && shm_->memory() != nullptr;
}

bool ClientCore::forked() const { return getpid() != process_; }

void ClientCore::ReleaseLease(uint64_t lease_id) { StartRelease(*this, lease_id); }

bool ClientCore::Register(const std::shared_ptr<Call>& call) {
  if (forked()) return false;
  MutexLock lock(mutex_);
  if (ending_) return false;
  calls_.emplace(call.get(), call);
  return true;
}

void ClientCore::Forget(Call* call) {
  std::shared_ptr<Call> dropped;  // destroyed without the lock
  MutexLock lock(mutex_);
  const auto found = calls_.find(call);
  if (found == calls_.end()) return;
  dropped.swap(found->second);
  calls_.erase(found);
  if (calls_.empty()) quiet_.NotifyAll();
}

bool ClientCore::full() const {
  MutexLock lock(mutex_);
  return calls_.size() >= static_cast<size_t>(options_.max_calls);
}

std::optional<Breaker::Pass> ClientCore::AskBreaker() {
  const std::optional<Breaker::Pass> pass = breaker_.Admit();
  if (!pass) {
    Bump(counters_.breaker_rejections);
    recovery_.Wanted();
  }
  return pass;
}

void ClientCore::ReportToBreaker(const Breaker::Pass& pass, Outcome outcome) {
  const bool failed = outcome == Outcome::kTimeout || outcome == Outcome::kUnavailable;
  breaker_.Report(pass, failed ? Breaker::Verdict::kFailed : Breaker::Verdict::kAnswered);
  if (failed && breaker_.is_open()) recovery_.Wanted();
}

void ClientCore::CountEnd(Outcome outcome) {
  if (outcome == Outcome::kTimeout) Bump(counters_.timeouts);
  if (outcome == Outcome::kUnavailable) Bump(counters_.unavailable);
}

Stats ClientCore::stats() const {
  Stats stats;
  stats.lookups = Read(counters_.lookups);
  stats.gets = Read(counters_.gets);
  stats.puts = Read(counters_.puts);
  stats.timeouts = Read(counters_.timeouts);
  stats.unavailable = Read(counters_.unavailable);
  stats.breaker_rejections = Read(counters_.breaker_rejections);
  stats.breaker_opens = breaker_.opens();
  stats.health_probes = Read(counters_.health_probes);
  stats.corrupt_blocks = Read(counters_.corrupt_blocks);
  stats.identity_mismatches = Read(counters_.identity_mismatches);
  stats.get_bytes = Read(counters_.get_bytes);
  stats.put_bytes = Read(counters_.put_bytes);
  stats.reconnects = Read(counters_.reconnects);
  stats.shm_gets = Read(counters_.shm_gets);
  stats.shm_puts = Read(counters_.shm_puts);
  stats.shm_fallbacks = Read(counters_.shm_fallbacks);
  stats.region_gets = Read(counters_.region_gets);
  stats.region_puts = Read(counters_.region_puts);
  return stats;
}

RecoveryProbe::Outside ClientCore::WaysOfRecovery() {
  return {.run_after =
              [this](absl::Duration delay, std::function<void()> task) {
                const int64_t due_ns = clock().NowNanos() + absl::ToInt64Nanoseconds(delay);
                timer_.Add(timer_.NewKey(due_ns), std::move(task));
              },
          .ask =
              [this](std::function<void(RecoveryProbe::Answer)> done) {
                health_.Ask(std::move(done));
              }};
}

void ClientCore::OnConnected(bool again) {
  if (again) {
    connection_epoch_.fetch_add(1, std::memory_order_acq_rel);
    Bump(counters_.reconnects);
  }
  breaker_.ProbeSoon();
  shm_->OnConnected();
}

// The queue is shut down by the completion thread itself, because only it renews the watches of the
// channels: no operation is started on a queue that is shut down.
class ClientCore::CloseTag final : public CompletionTag {
 public:
  CloseTag(Channels& channels, CompletionLoop& loop) : channels_(channels), loop_(loop) {}
  void OnEvent(bool /*ok*/) override {
    channels_.Close();
    loop_.Shutdown();
  }

 private:
  Channels& channels_;
  CompletionLoop& loop_;
};

void ClientCore::CloseQueue() {
  CloseTag tag(*channels_, loop_);
  grpc::Alarm alarm;
  alarm.Set(loop_.queue(), gpr_now(GPR_CLOCK_MONOTONIC), tag.tag());
  // The alarm and its tag live until the loop has ended.
  timer_.Stop();
  threads_->Drain();
}

}  // namespace halflife::client
