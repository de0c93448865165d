#include "client/src/lookup_call.h"

#include <algorithm>
#include <cctype>
#include <string>
#include <utility>

#include "client/src/core.h"
#include "client/src/request_messages.h"

namespace halflife::client {
namespace {

Call::Needs NeedsOf(const ClientCore& core, const LookupRequest& request,
                    std::shared_ptr<NamespaceState> ns) {
  const auto budget = request.budget.count() > 0 ? request.budget : core.options().lookup_budget;
  return {.budget = absl::FromChrono(budget), .ns = std::move(ns)};
}

uint32_t BlocksOf(const LookupRequest& request, const NamespaceState& ns) {
  const size_t blocks = request.tokens.size > 0
                            ? request.tokens.size / ns.descriptor.tokens_per_block
                            : request.chain.size;
  return static_cast<uint32_t>(std::min<size_t>(blocks, UINT32_MAX));
}

// "never_seen" of MISS_REASON_NEVER_SEEN; empty for none and for a reason newer than this library.
std::string ReasonName(v1::MissReason reason) {
  if (reason == v1::MISS_REASON_UNSPECIFIED || !v1::MissReason_IsValid(reason)) return "";
  std::string name = v1::MissReason_Name(reason).substr(sizeof("MISS_REASON_") - 1);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return name;
}

}  // namespace

LookupCall::LookupCall(ClientCore& core, const LookupRequest& request,
                       std::shared_ptr<NamespaceState> ns, Done done)
    : Call(core, NeedsOf(core, request, ns)), done_(std::move(done)) {
  if (ns == nullptr || ns->owner != &core) {
    answer_.result.error = "the namespace handle is empty or of another client";
    DecideAtOnce(Outcome::kInvalid);
    return;
  }
  answer_.result.blocks = BlocksOf(request, *ns);
  if (request.chain.size == 0 && answer_.result.blocks == 0) {
    DecideAtOnce(Outcome::kOk);  // a prompt that is shorter than a block: nothing to ask
  }
  if (is_decided()) return;
  auto message = LookupMessage(request, *ns);
  if (message.ok()) {
    message_ = *std::move(message);
  } else {
    answer_.result.error = std::string(message.status().message());
    DecideAtOnce(Outcome::kInvalid);
  }
}

void LookupCall::StartRpc() {
  const auto rpc = NewRpc<UnaryRpc<v1::LookupResponse>>();
  if (rpc == nullptr) return;
  auto reader = core().NextConnection().stub->PrepareAsyncLookup(&rpc->context(), message_,
                                                                 core().loop().queue());
  const auto self = std::static_pointer_cast<LookupCall>(shared_from_this());
  rpc->Start(std::move(reader),
             [self](const grpc::Status& status, const v1::LookupResponse& response) {
               if (status.ok()) {
                 self->OnResponse(response);
               } else {
                 self->OnFailedRpc(status);
               }
             });
}

void LookupCall::OnResponse(const v1::LookupResponse& response) {
  DetachRpc();
  if (!IsPlausible(response)) {
    Bump(core().counters().identity_mismatches);
    End(Outcome::kUnavailable);
    return;
  }
  bool too_late = false;
  {
    MutexLock lock(mutex());
    too_late = ended();
    if (!too_late) Keep(response);
  }
  if (too_late && response.lease_id() != 0) core().ReleaseLease(response.lease_id());
  if (!too_late) End(Outcome::kOk);
}

void LookupCall::Keep(const v1::LookupResponse& response) {
  LookupResult& result = answer_.result;
  result.prefix_blocks = response.prefix_blocks();
  for (const auto& run : response.runs()) {
    result.runs.push_back({run.first(), run.count(), run.tier() == v1::TIER_SSD});
  }
  result.bitmap.assign(response.bitmap().begin(), response.bitmap().end());
  result.miss_reason = ReasonName(response.miss_reason());
  answer_.lease_id = response.lease_id();
  answer_.leased_blocks = response.pinned_blocks();
}

bool LookupCall::IsPlausible(const v1::LookupResponse& response) const {
  const uint32_t blocks = answer_.result.blocks;
  if (response.blocks() != blocks || response.prefix_blocks() > blocks) return false;
  if (response.bitmap().size() != (size_t{blocks} + 7) / 8) return false;
  if (response.pinned_blocks() > response.prefix_blocks()) return false;
  uint64_t next = 0;
  for (const auto& run : response.runs()) {
    if (run.first() < next || run.count() == 0) return false;
    next = uint64_t{run.first()} + run.count();
    if (next > blocks) return false;
  }
  return true;
}

void LookupCall::Deliver(Outcome outcome) {
  if (outcome != Outcome::kOk) {
    // The answer lost the race against the budget: nothing of it is delivered.
    if (answer_.lease_id != 0) core().ReleaseLease(answer_.lease_id);
    LookupResult nothing;
    nothing.blocks = answer_.result.blocks;
    nothing.error = std::move(answer_.result.error);
    answer_ = Answer{.result = std::move(nothing)};
  }
  answer_.result.outcome = outcome;
  const Done done = std::move(done_);
  done(std::move(answer_));
}

}  // namespace halflife::client
