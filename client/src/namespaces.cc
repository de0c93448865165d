#include "client/src/namespaces.h"

#include <utility>

#include "client/src/call.h"
#include "client/src/core.h"
#include "client/src/outcome.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/descriptor_wire.h"

namespace halflife::client {
namespace {

// Bounds the RPC that calls share. Longer than a local daemon needs to write a descriptor to its
// SSD.
constexpr int64_t kOpenTimeoutNs = 1'000'000'000;

}  // namespace

void NamespaceOpener::WhenOpen(const std::shared_ptr<NamespaceState>& ns,
                               const std::shared_ptr<Call>& call) {
  const uint64_t epoch = core_.connection_epoch();
  uint64_t serial = 0;
  bool open = false;
  bool start = false;
  {
    MutexLock lock(ns->mutex);
    open = ns->open && ns->epoch == epoch;
    serial = ns->serial;
    if (!open) {
      ns->waiting.push_back(call);
      start = !ns->opening;
      ns->opening = true;
    }
  }
  if (open) call->OnNamespace(Outcome::kOk, serial);
  if (start) StartOpen(ns, epoch);
}

void NamespaceOpener::MarkClosed(NamespaceState& ns, uint64_t serial) {
  MutexLock lock(ns.mutex);
  if (ns.serial == serial) ns.open = false;
}

void NamespaceOpener::CancelAll() {
  std::vector<std::shared_ptr<Rpc>> rpcs;
  {
    MutexLock lock(mutex_);
    for (const auto& [raw, weak] : under_way_) {
      if (auto rpc = weak.lock()) rpcs.push_back(std::move(rpc));
    }
  }
  for (const auto& rpc : rpcs) rpc->Cancel();
}

void NamespaceOpener::StartOpen(const std::shared_ptr<NamespaceState>& ns, uint64_t epoch) {
  if (!core_.loop().BeginRpc()) {
    OnOpened(*ns, epoch, Outcome::kUnavailable);
    return;
  }
  auto rpc = std::make_shared<UnaryRpc<v1::OpenNamespaceResponse>>(core_.loop(), kOpenTimeoutNs);
  const Rpc* const raw = rpc.get();
  {
    MutexLock lock(mutex_);
    under_way_.emplace(raw, rpc);
  }
  v1::OpenNamespaceRequest request;
  *request.mutable_namespace_descriptor() = DescriptorToWire(ns->descriptor);
  auto reader = core_.NextConnection().stub->PrepareAsyncOpenNamespace(&rpc->context(), request,
                                                                       core_.loop().queue());
  rpc->Start(std::move(reader), [this, ns, epoch, raw](const grpc::Status& status,
                                                       const v1::OpenNamespaceResponse& response) {
    {
      MutexLock lock(mutex_);
      under_way_.erase(raw);
    }
    OnOpened(*ns, epoch, CheckResponse(*ns, status, response));
  });
}

void NamespaceOpener::OnOpened(NamespaceState& ns, uint64_t epoch, Outcome outcome) {
  std::vector<std::weak_ptr<Call>> waiting;
  uint64_t serial = 0;
  {
    MutexLock lock(ns.mutex);
    ns.opening = false;
    waiting.swap(ns.waiting);
    if (outcome == Outcome::kOk) {
      ns.open = true;
      ns.epoch = epoch;
      ++ns.serial;
    }
    serial = ns.serial;
  }
  for (const auto& weak : waiting) {
    if (const auto call = weak.lock()) call->OnNamespace(outcome, serial);
  }
}

Outcome NamespaceOpener::CheckResponse(const NamespaceState& ns, const grpc::Status& status,
                                       const v1::OpenNamespaceResponse& response) {
  if (!status.ok()) return OutcomeOf(status);
  const bool same = response.namespace_id() == NamespaceIdToWire(ns.id) &&
                    response.block_bytes() == ns.descriptor.block_bytes;
  if (same) return Outcome::kOk;
  Bump(core_.counters().identity_mismatches);
  return Outcome::kUnavailable;
}

}  // namespace halflife::client
