#include "client/src/call.h"

#include <algorithm>
#include <utility>

#include "client/src/core.h"
#include "client/src/outcome.h"

namespace halflife::client {

Call::Call(ClientCore& core, Needs needs) : core_(core), needs_(std::move(needs)) {
  decided_ = Admit();
}

void Call::DecideAtOnce(Outcome outcome) {
  decided_ = outcome;
  // It says nothing about the daemon.
  if (pass_) core_.breaker().Report(*pass_, Breaker::Verdict::kUnknown);
  pass_.reset();
}

void Call::Begin(AtOnce at_once) {
  // In a forked child any mutex may be held by a thread that does not exist there.
  if (core_.forked()) {
    Deliver(*decided_);
    return;
  }
  if (!decided_) {
    deadline_ns_ = core_.clock().NowNanos() + absl::ToInt64Nanoseconds(needs_.budget);
    timer_key_ = core_.timer().NewKey(deadline_ns_);
  }
  const std::shared_ptr<Call> self = shared_from_this();
  if (!core_.Register(self)) {
    if (pass_) core_.breaker().Report(*pass_, Breaker::Verdict::kUnknown);
    Deliver(decided_.value_or(Outcome::kUnavailable));
  } else if (!decided_) {
    StartWithBudget();
  } else if (at_once == AtOnce::kHere) {
    End(*decided_);
  } else {
    core_.timer().Post([self] { self->End(*self->decided_); });
  }
}

void Call::StartWithBudget() {
  core_.timer().Add(*timer_key_, [weak = weak_from_this()] {
    if (const auto call = weak.lock()) call->End(Outcome::kTimeout);
  });
  if (needs_.ns != nullptr) {
    core_.namespaces().WhenOpen(needs_.ns, shared_from_this());
  } else {
    StartRpc();
  }
}

void Call::End(Outcome outcome) {
  std::shared_ptr<Rpc> rpc;
  {
    MutexLock lock(mutex_);
    if (ended_) return;
    ended_ = true;
    rpc.swap(rpc_);
  }
  if (rpc) rpc->Cancel();
  if (timer_key_) core_.timer().Cancel(*timer_key_);
  if (pass_) core_.ReportToBreaker(*pass_, outcome);
  core_.CountEnd(outcome);
  Deliver(outcome);
  core_.Forget(this);
}

void Call::OnNamespace(Outcome outcome, uint64_t serial) {
  if (outcome != Outcome::kOk) {
    End(outcome);
    return;
  }
  namespace_serial_ = serial;
  StartRpc();
}

void Call::OnFailedRpc(const grpc::Status& status) {
  DetachRpc();
  const bool forgotten = status.error_code() == grpc::StatusCode::FAILED_PRECONDITION;
  if (forgotten && needs_.ns != nullptr && reopens_ == 0) {
    ++reopens_;
    core_.namespaces().MarkClosed(*needs_.ns, namespace_serial_);
    core_.namespaces().WhenOpen(needs_.ns, shared_from_this());
    return;
  }
  End(OutcomeOfStatus(status));
}

void Call::DetachRpc() {
  std::shared_ptr<Rpc> rpc;  // destroyed without the lock
  MutexLock lock(mutex_);
  rpc.swap(rpc_);
}

Outcome Call::OutcomeOfStatus(const grpc::Status& status) const { return OutcomeOf(status); }

CompletionLoop& Call::loop() { return core_.loop(); }

int64_t Call::TimeLeftNs() const {
  return std::max<int64_t>(0, deadline_ns_ - core_.clock().NowNanos());
}

bool Call::ClaimRpc() {
  if (loop().BeginRpc()) return true;
  End(Outcome::kUnavailable);
  return false;
}

bool Call::AttachRpc(std::shared_ptr<Rpc> rpc) {
  MutexLock lock(mutex_);
  if (ended_) return false;
  rpc_ = std::move(rpc);
  return true;
}

std::optional<Outcome> Call::Admit() {
  if (core_.forked() || core_.disabled() || core_.full()) return Outcome::kUnavailable;
  if (!needs_.obeys_breaker) return std::nullopt;
  pass_ = core_.AskBreaker();
  if (pass_) return std::nullopt;
  return Outcome::kUnavailable;
}

}  // namespace halflife::client
