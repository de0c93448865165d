#include "client/src/completion_loop.h"

#include <grpc/support/time.h>

#include <algorithm>

#include "common/clock.h"

namespace halflife::client {
namespace {

// A caller that polls looks up from time to time, so that an end that no event tells (of a call
// that still waits for its namespace) is seen.
constexpr int64_t kMaxPollNs = 20'000'000;
constexpr int64_t kMinPollNs = 1'000'000;
// Of a caller that does not poll. No wait is without an end.
constexpr int64_t kMaxSleepNs = 1'000'000'000;

}  // namespace

CompletionLoop::Caller::Caller(CompletionLoop& loop) : loop_(loop) {
  MutexLock lock(loop_.mutex_);
  ++loop_.callers_;
}

CompletionLoop::Caller::~Caller() {
  MutexLock lock(loop_.mutex_);
  if (--loop_.callers_ > 0) return;
  // RPCs without a caller: asynchronous ones, and those whose caller's budget is over.
  if (loop_.HasToWaitLocked()) loop_.library_wake_.NotifyOne();
}

void CompletionLoop::Caller::Wait(int64_t deadline_ns, absl::FunctionRef<void()> cut) {
  bool is_cut = false;
  const auto is_due = [&] { return !is_cut && Clock::Real().NowNanos() >= deadline_ns; };
  while (true) {
    const Turn turn = loop_.AwaitTurn(*this, is_cut ? INT64_MAX : deadline_ns);
    if (turn == Turn::kEnded) return;
    if (turn == Turn::kPoll) {
      do {
        loop_.PollOnce(deadline_ns);
      } while (!ended_.load(std::memory_order_acquire) && !is_due());
      loop_.StopPolling();
    }
    if (ended_.load(std::memory_order_acquire) || !is_due()) continue;
    is_cut = true;
    cut();  // if the end is being told by another thread just now, it is waited for as before
  }
}

void CompletionLoop::Caller::SetEnded() {
  MutexLock lock(loop_.mutex_);
  ended_.store(true, std::memory_order_release);
  // With the lock held: the caller is gone as soon as it can see it.
  wake_.NotifyOne();
}

CompletionLoop::Turn CompletionLoop::AwaitTurn(Caller& caller, int64_t deadline_ns) {
  MutexLock lock(mutex_);
  while (!caller.ended_.load(std::memory_order_relaxed)) {
    if (!polling_) {
      polling_ = true;
      return Turn::kPoll;
    }
    const int64_t left_ns = deadline_ns - Clock::Real().NowNanos();
    if (left_ns <= 0) return Turn::kLate;
    sleeping_.push_back(&caller);
    caller.wake_.WaitFor(mutex_, absl::Nanoseconds(std::min(left_ns, kMaxSleepNs)));
    std::erase(sleeping_, &caller);
  }
  // It may have been woken for a turn that it needs no more.
  if (!polling_) WakeNextLocked();
  return Turn::kEnded;
}

void CompletionLoop::WakeNextLocked() {
  const auto next = std::find_if(sleeping_.begin(), sleeping_.end(), [](const Caller* caller) {
    return !caller->ended_.load(std::memory_order_relaxed);
  });
  if (next != sleeping_.end()) (*next)->wake_.NotifyOne();
}

void CompletionLoop::StopPolling() {
  MutexLock lock(mutex_);
  polling_ = false;
  WakeNextLocked();
}

void CompletionLoop::PollOnce(int64_t deadline_ns) {
  const int64_t left_ns = deadline_ns - Clock::Real().NowNanos();
  const gpr_timespec until =
      gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                   gpr_time_from_nanos(std::clamp(left_ns, kMinPollNs, kMaxPollNs), GPR_TIMESPAN));
  void* tag = nullptr;
  Event event;
  if (queue_.AsyncNext(&tag, &event.ok, until) != grpc::CompletionQueue::GOT_EVENT) return;
  event.tag = static_cast<CompletionTag*>(tag);
  if (event.tag->is_for_anybody()) {
    event.tag->OnEvent(event.ok);
  } else {
    GiveToLibrary(event);
  }
}

void CompletionLoop::GiveToLibrary(Event event) {
  MutexLock lock(mutex_);
  given_.push_back(event);
  library_wake_.NotifyOne();
}

bool CompletionLoop::HasToWaitLocked() const { return rpcs_ > 0 || connecting_ > 0 || refusing_; }

CompletionLoop::Turn CompletionLoop::AwaitTurn(Event& event) {
  MutexLock lock(mutex_);
  while (true) {
    if (!given_.empty()) {
      event = given_.front();
      given_.pop_front();
      return Turn::kHandle;
    }
    const int64_t now_ns = Clock::Real().NowNanos();
    if (!polling_ && callers_ == 0 && (HasToWaitLocked() || now_ns >= looks_next_ns_)) {
      polling_ = true;
      looks_next_ns_ = now_ns + kLookIntervalNs;
      return HasToWaitLocked() ? Turn::kPoll : Turn::kLook;
    }
    library_wake_.WaitFor(mutex_, absl::Nanoseconds(kLookIntervalNs));
  }
}

bool CompletionLoop::BeginRpc() {
  MutexLock lock(mutex_);
  if (refusing_) return false;
  ++rpcs_;
  if (!polling_ && callers_ == 0) library_wake_.NotifyOne();
  return true;
}

void CompletionLoop::EndRpc() {
  MutexLock lock(mutex_);
  // Notified with the lock held: the waiter may destroy this object once it has seen zero.
  if (--rpcs_ == 0) idle_.NotifyAll();
}

void CompletionLoop::BeginConnecting() {
  MutexLock lock(mutex_);
  ++connecting_;
  if (!polling_ && callers_ == 0) library_wake_.NotifyOne();
}

void CompletionLoop::EndConnecting() {
  MutexLock lock(mutex_);
  --connecting_;
}

void CompletionLoop::Run() {
  while (true) {
    Event event;
    const Turn turn = AwaitTurn(event);
    if (turn == Turn::kHandle) {
      event.tag->OnEvent(event.ok);
    } else if (!PollAsLibrary(/*looks=*/turn == Turn::kLook)) {
      return;
    }
  }
}

bool CompletionLoop::PollAsLibrary(bool looks) {
  using NextStatus = grpc::CompletionQueue::NextStatus;
  void* next = nullptr;
  bool ok = false;
  const gpr_timespec until =
      looks ? gpr_time_0(GPR_CLOCK_MONOTONIC) : gpr_inf_future(GPR_CLOCK_MONOTONIC);
  const NextStatus status = queue_.AsyncNext(&next, &ok, until);
  CompletionTag* const tag = static_cast<CompletionTag*>(next);
  const bool found = status == NextStatus::GOT_EVENT;
  // Such an event keeps its turn until it is handled; the others are this thread's anyway.
  const bool keeps_turn = found && tag->is_for_anybody();
  if (!keeps_turn) StopPolling();
  if (found) tag->OnEvent(ok);
  if (keeps_turn) StopPolling();
  return status != NextStatus::SHUTDOWN;
}

void CompletionLoop::RefuseRpcs() {
  MutexLock lock(mutex_);
  refusing_ = true;
  library_wake_.NotifyOne();
}

void CompletionLoop::WaitForRpcs() {
  MutexLock lock(mutex_);
  while (rpcs_ > 0) idle_.Wait(mutex_);
}

}  // namespace halflife::client
