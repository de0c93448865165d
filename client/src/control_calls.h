#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "client/src/call.h"
#include "client/src/core.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// A call of one request and one small response, of which only `done(outcome, response)` is
// particular. `Prepare` makes the reader: a method of the stub, or of the generic one. It may still
// run while `done` does, so it owns what it needs.
template <typename Response>
class UnaryCall final : public Call {
 public:
  using Prepare =
      std::function<typename UnaryRpc<Response>::Reader(UnaryRpc<Response>& rpc, ClientCore& core)>;
  using Done = std::function<void(Outcome, const Response&)>;

  UnaryCall(ClientCore& core, Needs needs, Prepare prepare, Done done)
      : Call(core, std::move(needs)), prepare_(std::move(prepare)), done_(std::move(done)) {}

 private:
  void StartRpc() override {
    const auto rpc = NewRpc<UnaryRpc<Response>>();
    if (rpc == nullptr) return;
    auto reader = prepare_(*rpc, core());
    const auto self = std::static_pointer_cast<UnaryCall>(shared_from_this());
    rpc->Start(std::move(reader), [self](const grpc::Status& status, const Response& response) {
      if (status.ok()) {
        self->OnResponse(response);
      } else {
        self->OnFailedRpc(status);
      }
    });
  }

  void OnResponse(const Response& response) {
    DetachRpc();
    {
      MutexLock lock(mutex());
      if (ended()) return;
      response_ = response;
    }
    End(Outcome::kOk);
  }

  void Deliver(Outcome outcome) override {
    const Done done = std::move(done_);
    done(outcome, response_);
  }

  const Prepare prepare_;
  Response response_;  // written before the end, read after it
  Done done_;
};

// Starts the Release of a lease and does not wait. Nothing happens if the daemon is not answering:
// the lease runs out.
void StartRelease(ClientCore& core, uint64_t lease_id);

Outcome RenewLease(ClientCore& core, uint64_t lease_id, absl::Duration length);
Outcome TouchChain(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                   const v1::TouchRequest& request);
HintResult SendHint(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                    const v1::HintRequest& request);
// -1 if the daemon did not answer.
int64_t DeleteBlocks(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                     const v1::DeleteRequest& request);
// Asks the health service for "readiness". Waits for a connection, and passes by the breaker.
bool IsReady(ClientCore& core, absl::Duration budget);

}  // namespace halflife::client
