#include "client/src/get_call.h"

#include <string>
#include <utility>

#include "client/src/call_budget.h"
#include "client/src/core.h"
#include "client/src/outcome.h"
#include "client/src/request_messages.h"
#include "common/status.h"
#include "proto/wire/byte_buffer.h"

namespace halflife::client {
namespace {

constexpr char kMethod[] = "/halflife.v1.CacheService/Get";

Call::Needs NeedsOf(const ClientCore& core, const GetRequest& request,
                    std::shared_ptr<NamespaceState> ns) {
  const uint64_t block_bytes = ns == nullptr ? 0 : ns->descriptor.block_bytes;
  return {.budget = BudgetOf(core.options(), request.budget, request.items.size(), block_bytes),
          .ns = std::move(ns)};
}

}  // namespace

GetCall::GetCall(ClientCore& core, GetRequest request, std::shared_ptr<NamespaceState> ns,
                 Done done)
    : GetCall(
          core, std::move(request), std::move(ns),
          [](const v1::GetRequest& message) { return SerializeMessage(message); },
          std::move(done)) {}

GetCall::GetCall(ClientCore& core, GetRequest request, std::shared_ptr<NamespaceState> ns,
                 const First& first, Done done)
    : Call(core, NeedsOf(core, request, ns)), done_(std::move(done)) {
  if (const absl::Status arguments = Prepare(request, ns.get(), first); !arguments.ok()) {
    error_ = std::string(arguments.message());
    DecideAtOnce(Outcome::kInvalid);
  }
  MutexLock lock(mutex());
  items_ = std::move(request.items);
  // Outcomes of an earlier use of the same items must not survive a call that does not reach the
  // daemon.
  for (GetItem& item : items_) item.outcome = Outcome::kMiss;
}

absl::Status GetCall::Prepare(const GetRequest& request, const NamespaceState* ns,
                              const First& first) {
  if (ns == nullptr || ns->owner != &core()) {
    return absl::InvalidArgumentError("the namespace handle is empty or of another client");
  }
  if (is_decided()) return absl::OkStatus();
  HL_ASSIGN_OR_RETURN(TransferShape shape,
                      ShapeOf(TransferItems(request.items, &GetItem::into), ns->descriptor));
  HL_ASSIGN_OR_RETURN(const v1::GetRequest message, GetMessage(request, *ns, shape));
  HL_ASSIGN_OR_RETURN(message_, first(message));
  MutexLock lock(mutex());
  receiver_.emplace(BlockReceiver::Expected{.ns = ns->id,
                                            .group = request.group,
                                            .block_bytes = ns->descriptor.block_bytes,
                                            .shape = std::move(shape),
                                            .verify = core().options().verify});
  return absl::OkStatus();
}

void GetCall::StartRpc() {
  const auto rpc = NewRpc<StreamRpc>();
  if (rpc != nullptr) StartStream(rpc, kMethod, /*last=*/true);
}

void GetCall::StartStream(const std::shared_ptr<StreamRpc>& stream, const std::string& method,
                          bool last) {
  {
    MutexLock lock(mutex());
    if (!ended()) receiver_->Restart(items_);
  }
  stream->Start(*core().NextConnection().generic, method, message_, last,
                std::static_pointer_cast<GetCall>(shared_from_this()));
}

bool GetCall::OnMessage(const grpc::ByteBuffer& message) {
  const MessageSpans pieces(message);
  const auto frame = DecodeGetResponse(pieces.spans());
  bool accepted = false;
  if (frame.ok()) {
    MutexLock lock(mutex());
    if (ended()) return false;
    accepted = receiver_->Accept(*frame, items_);
  }
  if (!accepted) EndViolated();
  return accepted;
}

void GetCall::OnEnd(const grpc::Status& status) {
  if (!status.ok()) {
    OnFailedRpc(status);
    return;
  }
  DetachRpc();
  bool cut_short = false;
  {
    MutexLock lock(mutex());
    if (ended()) return;
    cut_short = receiver_->in_the_middle();
  }
  if (cut_short) {
    EndViolated();
  } else {
    End(Outcome::kOk);
  }
}

// The peer does not keep to the contract: what it sent and verified before stays good, nothing more
// is taken from it.
void GetCall::EndViolated() {
  Bump(core().counters().identity_mismatches);
  End(Outcome::kUnavailable);
}

void GetCall::Deliver(Outcome outcome) {
  GetResult result;
  result.outcome = outcome;
  result.error = std::move(error_);
  BlockReceiver::Counts counts;
  {
    // Nobody else is left; the lock is for the thread-safety analysis.
    MutexLock lock(mutex());
    result.items = std::move(items_);
    if (receiver_) counts = receiver_->counts();
  }
  TallyItems(&result);
  Bump(core().counters().corrupt_blocks, counts.corrupt_blocks);
  Bump(core().counters().get_bytes, counts.bytes);
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace halflife::client
