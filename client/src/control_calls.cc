#include "client/src/control_calls.h"

#include "client/src/health_question.h"
#include "client/src/run_and_wait.h"

namespace halflife::client {
namespace {

// Long enough for one round trip on a loaded machine; bounds how long the end of a client waits for
// it.
constexpr absl::Duration kReleaseBudget = absl::Milliseconds(250);

template <typename Response>
std::pair<Outcome, Response> Run(ClientCore& core, Call::Needs needs,
                                 typename UnaryCall<Response>::Prepare prepare) {
  using Answer = std::pair<Outcome, Response>;
  return RunAndWait<Answer>(core, [&](std::function<void(Answer)> done) {
    return std::make_shared<UnaryCall<Response>>(
        core, std::move(needs), std::move(prepare),
        [done = std::move(done)](Outcome outcome, const Response& response) {
          done(Answer(outcome, response));
        });
  });
}

}  // namespace

void StartRelease(ClientCore& core, uint64_t lease_id) {
  v1::ReleaseRequest request;
  request.set_lease_id(lease_id);
  const auto call = std::make_shared<UnaryCall<v1::ReleaseResponse>>(
      core, Call::Needs{.budget = kReleaseBudget, .ns = nullptr, .survives_shutdown = true},
      [request](UnaryRpc<v1::ReleaseResponse>& rpc, ClientCore& core) {
        return core.NextConnection().stub->PrepareAsyncRelease(&rpc.context(), request,
                                                               core.loop().queue());
      },
      [](Outcome, const v1::ReleaseResponse&) {});
  call->Begin(Call::AtOnce::kHere);
}

Outcome RenewLease(ClientCore& core, uint64_t lease_id, absl::Duration length) {
  v1::RenewRequest request;
  request.set_lease_id(lease_id);
  request.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(length)));
  return Run<v1::RenewResponse>(
             core, {.budget = absl::FromChrono(core.options().lookup_budget), .ns = nullptr},
             [request](UnaryRpc<v1::RenewResponse>& rpc, ClientCore& core) {
               return core.NextConnection().stub->PrepareAsyncRenew(&rpc.context(), request,
                                                                    core.loop().queue());
             })
      .first;
}

Outcome TouchChain(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                   const v1::TouchRequest& request) {
  return Run<v1::TouchResponse>(
             core, {.budget = absl::FromChrono(core.options().lookup_budget), .ns = std::move(ns)},
             [request](UnaryRpc<v1::TouchResponse>& rpc, ClientCore& core) {
               return core.NextConnection().stub->PrepareAsyncTouch(&rpc.context(), request,
                                                                    core.loop().queue());
             })
      .first;
}

HintResult SendHint(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                    const v1::HintRequest& request) {
  const bool reads = request.kind() == v1::HINT_KIND_PREFETCH;
  const auto budget = reads ? core.options().get_budget : core.options().lookup_budget;
  auto [outcome, response] =
      Run<v1::HintResponse>(core, {.budget = absl::FromChrono(budget), .ns = std::move(ns)},
                            [request](UnaryRpc<v1::HintResponse>& rpc, ClientCore& core) {
                              return core.NextConnection().stub->PrepareAsyncHint(
                                  &rpc.context(), request, core.loop().queue());
                            });
  HintResult result;
  result.outcome = outcome;
  if (outcome != Outcome::kOk) return result;
  const bool taken = response.verdict() == v1::HINT_VERDICT_ACCEPTED ||
                     response.verdict() == v1::HINT_VERDICT_CLIPPED;
  if (!taken) result.outcome = Outcome::kRefused;
  result.blocks = response.blocks();
  result.duration = std::chrono::milliseconds(response.duration_ms());
  result.reason = std::move(*response.mutable_reason());
  return result;
}

int64_t DeleteBlocks(ClientCore& core, std::shared_ptr<NamespaceState> ns,
                     const v1::DeleteRequest& request) {
  const auto [outcome, response] = Run<v1::DeleteResponse>(
      core, {.budget = absl::FromChrono(core.options().put_budget), .ns = std::move(ns)},
      [request](UnaryRpc<v1::DeleteResponse>& rpc, ClientCore& core) {
        return core.NextConnection().stub->PrepareAsyncDelete(&rpc.context(), request,
                                                              core.loop().queue());
      });
  return outcome == Outcome::kOk ? static_cast<int64_t>(response.deleted()) : -1;
}

bool IsReady(ClientCore& core, absl::Duration budget) {
  const auto [outcome, response] = Run<grpc::ByteBuffer>(
      core, {.budget = budget, .ns = nullptr, .obeys_breaker = false},
      [](UnaryRpc<grpc::ByteBuffer>& rpc, ClientCore& core) {
        rpc.context().set_wait_for_ready(true);
        return core.NextConnection().generic->PrepareUnaryCall(
            &rpc.context(), kHealthMethod, ReadinessRequest(), core.loop().queue());
      });
  return outcome == Outcome::kOk && SaysServing(response);
}

}  // namespace halflife::client
