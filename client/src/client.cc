#include "client/include/halflife/client.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "client/src/call_budget.h"
#include "client/src/control_calls.h"
#include "client/src/fetch_handle.h"
#include "client/src/get_call.h"
#include "client/src/handles.h"
#include "client/src/lookup_call.h"
#include "client/src/options_check.h"
#include "client/src/put_call.h"
#include "client/src/request_messages.h"
#include "client/src/run_and_wait.h"
#include "client/src/shm_get.h"
#include "client/src/shm_path.h"
#include "client/src/shm_put.h"
#include "client/src/shm_region.h"
#include "client/src/shm_view.h"
#include "common/limits.h"
#include "common/strings.h"

// The facade: public types in, calls out. What a call does is in its own file.

namespace halflife::client {
namespace {

bool IsDisabledByEnvironment() {
  const char* const value = std::getenv("HALFLIFE_DISABLE");
  return value != nullptr && std::string_view(value) == "1";
}

void Explain(const absl::Status& status, std::string* error) {
  if (error != nullptr) *error = std::string(status.message());
}

// An asynchronous call over shared memory, on a worker; over the socket where there is no worker to
// spare, or where that is how it turns out.
template <typename OverMemory, typename OverSocket, typename Request, typename Result>
void RunOnWorker(ClientCore& core, absl::Duration budget, Request request,
                 std::shared_ptr<NamespaceState> ns, std::function<void(Result)> done) {
  struct Job {
    Request request;
    std::function<void(Result)> done;
  };
  const auto job = std::make_shared<Job>(Job{std::move(request), std::move(done)});
  const auto go_by_socket = [&core, job, ns] {
    std::make_shared<OverSocket>(core, std::move(job->request), ns, std::move(job->done))
        ->Begin(Call::AtOnce::kOnLibraryThread);
  };
  const bool taken = core.shm().workers().Submit(
      budget,
      [&core, job, ns, budget, go_by_socket](absl::Duration waited) {
        job->request.budget =
            absl::ToChronoMicroseconds(std::max(budget - waited, absl::Microseconds(1)));
        if (auto result = OverMemory(core, job->request, ns).Run()) {
          job->done(*std::move(result));
        } else {
          go_by_socket();
        }
      },
      [&core, job] {
        Result late;
        late.outcome = Outcome::kTimeout;
        late.items = std::move(job->request.items);
        for (auto& item : late.items) item.outcome = Outcome::kTimeout;
        core.CountEnd(Outcome::kTimeout);
        job->done(std::move(late));
      });
  if (!taken) go_by_socket();
}

}  // namespace

std::unique_ptr<Client> Client::Open(Options options, std::string* error) {
  const absl::Status status = CheckOptions(options);
  if (!status.ok()) {
    Explain(status, error);
    return nullptr;
  }
  auto core = std::make_shared<Core>(options, IsDisabledByEnvironment());
  core->Start();
  return std::unique_ptr<Client>(new Client(std::move(core)));
}

Client::Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}

Client::~Client() {
  if (core_->forked()) {
    // Threads and connections belong to the parent; destroying them here would wait for ever.
    new std::shared_ptr<Core>(std::move(core_));
    return;
  }
  core_->Shutdown();
}

NamespaceHandle Client::OpenNamespace(const Namespace& descriptor, std::string* error) {
  NamespaceHandle handle;
  auto converted = DescriptorOf(descriptor);
  if (!converted.ok()) {
    Explain(converted.status(), error);
    return handle;
  }
  auto state = std::make_shared<NamespaceState>();
  state->given = descriptor;
  state->id = converted->Id();
  state->descriptor = *std::move(converted);
  state->owner = core_.get();
  handle.impl_ =
      std::make_shared<const NamespaceHandle::Impl>(NamespaceHandle::Impl{std::move(state)});
  return handle;
}

LookupResult Client::Lookup(const LookupRequest& request) {
  Bump(core_->counters().lookups);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  auto answer = RunAndWait<LookupCall::Answer>(*core_, [&](LookupCall::Done done) {
    return std::make_shared<LookupCall>(*core_, request, ns, std::move(done));
  });
  return TakeLease(std::move(answer.result), answer.lease_id, answer.leased_blocks);
}

void Client::LookupAsync(LookupRequest request, std::function<void(LookupResult)> done) {
  Bump(core_->counters().lookups);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  // A callback outlives neither the client nor its core: `this` is safe in it.
  const auto call = std::make_shared<LookupCall>(
      *core_, request, ns, [this, done = std::move(done)](LookupCall::Answer answer) {
        done(TakeLease(std::move(answer.result), answer.lease_id, answer.leased_blocks));
      });
  call->Begin(Call::AtOnce::kOnLibraryThread);
}

LookupResult Client::TakeLease(LookupResult result, uint64_t lease_id, uint32_t blocks) const {
  if (lease_id == 0) return result;
  result.lease.core_ = std::static_pointer_cast<ClientCore>(core_);
  result.lease.id_ = lease_id;
  result.lease.blocks_ = blocks;
  return result;
}

GetResult Client::Get(GetRequest request) {
  Bump(core_->counters().gets);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  if (ns != nullptr && ns->owner == core_.get()) {
    if (auto result = ShmGet(*core_, request, ns).Run()) return *std::move(result);
    if (core_->LacksSharedMemory()) {
      GetResult nothing;
      nothing.items = std::move(request.items);
      for (GetItem& item : nothing.items) item.outcome = nothing.outcome;
      return nothing;
    }
  }
  return RunAndWait<GetResult>(*core_, [&](GetCall::Done done) {
    return std::make_shared<GetCall>(*core_, std::move(request), ns, std::move(done));
  });
}

void Client::GetAsync(GetRequest request, std::function<void(GetResult)> done) {
  Bump(core_->counters().gets);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  if (ns != nullptr && ns->owner == core_.get() && core_->GoesByWorkers()) {
    const absl::Duration budget = BudgetOf(core_->options(), request.budget, request.items.size(),
                                           ns->descriptor.block_bytes);
    RunOnWorker<ShmGet, GetCall>(*core_, budget, std::move(request), ns, std::move(done));
    return;
  }
  std::make_shared<GetCall>(*core_, std::move(request), ns, std::move(done))
      ->Begin(Call::AtOnce::kOnLibraryThread);
}

std::unique_ptr<FetchHandle> Client::Fetch(GetRequest request, uint32_t window) {
  Bump(core_->counters().gets);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  auto impl = std::make_unique<FetchHandle::Impl>();
  impl->core = core_;
  impl->call = std::make_shared<FetchCall>(
      *core_, std::move(request), window, ns,
      [&latch = impl->result](GetResult result) { latch.Set(std::move(result)); });
  impl->call->Begin(Call::AtOnce::kHere);
  return std::unique_ptr<FetchHandle>(new FetchHandle(std::move(impl)));
}

PutResult Client::Put(PutRequest request) {
  Bump(core_->counters().puts);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  if (ns != nullptr && ns->owner == core_.get()) {
    if (auto result = ShmPut(*core_, request, ns).Run()) return *std::move(result);
    if (core_->LacksSharedMemory()) {
      PutResult nothing;
      nothing.items = std::move(request.items);
      for (PutItem& item : nothing.items) item.outcome = nothing.outcome;
      return nothing;
    }
  }
  return RunAndWait<PutResult>(*core_, [&](PutCall::Done done) {
    return std::make_shared<PutCall>(*core_, std::move(request), ns, std::move(done));
  });
}

void Client::PutAsync(PutRequest request, std::function<void(PutResult)> done) {
  Bump(core_->counters().puts);
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  if (ns != nullptr && ns->owner == core_.get() && core_->GoesByWorkers()) {
    const auto own = request.budget.count() > 0 ? request.budget : core_->options().put_budget;
    RunOnWorker<ShmPut, PutCall>(*core_, absl::FromChrono(own), std::move(request), ns,
                                 std::move(done));
    return;
  }
  std::make_shared<PutCall>(*core_, std::move(request), ns, std::move(done))
      ->Begin(Call::AtOnce::kOnLibraryThread);
}

ViewResult Client::GetView(const ViewRequest& request) {
  Bump(core_->counters().gets);
  ViewResult result;
  const auto ns = request.ns.impl_ == nullptr ? nullptr : request.ns.impl_->state;
  if (ns == nullptr || ns->owner != core_.get() || !AreViewable(request, *ns)) {
    result.outcome = Outcome::kInvalid;
    result.error = "the namespace handle is not this client's, or the blocks are out of its limits";
    return result;
  }
  if (auto views = ViewInPlace(core_, request, ns)) return *std::move(views);
  if (core_->LacksSharedMemory()) return result;
  const auto source = std::make_shared<BlockView::Source>();
  std::vector<Segment> segments;
  GetRequest get = GetInsteadOfView(request, *ns, *source, segments);
  return ViewsOf(RunAndWait<GetResult>(*core_,
                                       [&](GetCall::Done done) {
                                         return std::make_shared<GetCall>(*core_, std::move(get),
                                                                          ns, std::move(done));
                                       }),
                 source, ns->descriptor.block_bytes);
}

bool Client::AwaitSharedMemory(std::chrono::milliseconds budget) {
  return !core_->forked() && core_->shm().WaitForMemory(absl::FromChrono(budget));
}

std::shared_ptr<Region> Client::RegisterRegion(void* base, size_t size, int fd,
                                               uint64_t file_offset, std::string* error) {
  auto state = RegionState::Of(base, size, fd, file_offset);
  if (!state.ok()) {
    Explain(state.status(), error);
    return nullptr;
  }
  return std::shared_ptr<Region>(
      new Region(std::make_shared<Region::Impl>(Region::Impl{*std::move(state)})));
}

Outcome Client::Renew(Lease& lease, std::chrono::milliseconds length) {
  if (!lease || length.count() < 1 || absl::FromChrono(length) > kMaxLease)
    return Outcome::kInvalid;
  return RenewLease(*core_, lease.id(), absl::FromChrono(length));
}

Outcome Client::Touch(const NamespaceHandle& ns, View<Hash> chain, const Attributes& attributes) {
  if (!ns || ns.impl_->state->owner != core_.get()) return Outcome::kInvalid;
  const auto message = TouchMessage(chain, attributes, *ns.impl_->state);
  if (!message.ok()) return Outcome::kInvalid;
  return TouchChain(*core_, ns.impl_->state, *message);
}

HintResult Client::Hint(const HintRequest& request) {
  HintResult result;
  result.outcome = Outcome::kInvalid;
  if (!request.ns || request.ns.impl_->state->owner != core_.get()) {
    result.reason = "the namespace is not of this client";
    return result;
  }
  const auto message = HintMessage(request, *request.ns.impl_->state);
  if (!message.ok()) {
    result.reason = std::string(ToStd(message.status().message()));
    return result;
  }
  return SendHint(*core_, request.ns.impl_->state, *message);
}

int64_t Client::Delete(const NamespaceHandle& ns, View<Hash> chain) {
  if (!ns || ns.impl_->state->owner != core_.get()) return -1;
  const auto message = DeleteMessage(chain, *ns.impl_->state);
  if (!message.ok()) return -1;
  return DeleteBlocks(*core_, ns.impl_->state, *message);
}

int64_t Client::DeleteNamespace(const NamespaceHandle& ns) {
  if (!ns || ns.impl_->state->owner != core_.get()) return -1;
  return DeleteBlocks(*core_, ns.impl_->state, DeleteNamespaceMessage(*ns.impl_->state));
}

bool Client::Healthy(std::chrono::milliseconds budget) {
  if (budget.count() < 1) return false;
  return IsReady(*core_, absl::FromChrono(budget));
}

void Client::Drain() {
  if (!core_->forked()) core_->WaitForCalls();
}

Stats Client::stats() const { return core_->stats(); }

}  // namespace halflife::client
