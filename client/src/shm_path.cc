#include "client/src/shm_path.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "client/src/core.h"
#include "client/src/shm_region.h"
#include "common/check.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {
namespace {

// Bounds the RPCs that belong to no call.
constexpr int64_t kControlTimeoutNs = 1'000'000'000;
// How long a lease may wait for a call that takes it along.
constexpr absl::Duration kFlushDelay = absl::Milliseconds(20);

std::string SocketPathOf(std::string_view endpoint) {
  constexpr std::string_view kUnixPrefix = "unix:";
  if (endpoint.substr(0, kUnixPrefix.size()) != kUnixPrefix) return "";
  std::string_view path = endpoint.substr(kUnixPrefix.size());
  if (path.substr(0, 2) == "//") path.remove_prefix(2);
  return std::string(path);
}

}  // namespace

ShmPath::ShmPath(ClientCore& core)
    : core_(core),
      main_socket_path_(core.options().shared_memory == SharedMemory::kOff
                            ? ""
                            : SocketPathOf(core.options().endpoint)),
      link_(core.options().staging_bytes),
      lines_(&core.clock()),
      workers_(core.options().copy_threads, &core.timer(), &core.clock()) {}

bool ShmPath::required() const { return core_.options().shared_memory == SharedMemory::kRequired; }

ShmMemoryRef ShmPath::memory() const {
  return main_socket_path_.empty() ? nullptr : link_.memory();
}

void ShmPath::OnConnected() {
  if (main_socket_path_.empty() || !core_.loop().BeginRpc()) return;
  auto rpc =
      std::make_shared<UnaryRpc<v1::DescribeSharedMemoryResponse>>(core_.loop(), kControlTimeoutNs);
  Track(rpc);
  auto reader = core_.NextConnection().shared->PrepareAsyncDescribeSharedMemory(
      &rpc->context(), v1::DescribeSharedMemoryRequest(), core_.loop().queue());
  rpc->Start(std::move(reader),
             [this](const grpc::Status& status, const v1::DescribeSharedMemoryResponse& response) {
               if (!status.ok() || response.socket_name().empty()) return;
               auto path = SocketBeside(main_socket_path_, response.socket_name());
               if (path.ok()) link_.Offer(*std::move(path));
             });
}

void ShmPath::Track(const std::shared_ptr<Rpc>& rpc) {
  bool cancel = false;
  {
    MutexLock lock(mutex_);
    rpcs_.erase(std::remove_if(rpcs_.begin(), rpcs_.end(),
                               [](const std::weak_ptr<Rpc>& one) { return one.expired(); }),
                rpcs_.end());
    rpcs_.push_back(rpc);
    cancel = refusing_;
  }
  if (cancel) rpc->Cancel();
}

// --- Visit

ShmPath::Visit::Visit(ShmPath& path, ShmMemoryRef memory, int64_t deadline_ns,
                      const Breaker::Pass& pass, uint64_t namespace_serial,
                      std::unique_ptr<grpc::CompletionQueue> queue)
    : path_(&path),
      memory_(std::move(memory)),
      deadline_ns_(deadline_ns),
      pass_(pass),
      namespace_serial_(namespace_serial),
      queue_(std::move(queue)) {}

ShmPath::Visit::Visit(Visit&& other) noexcept
    : path_(std::exchange(other.path_, nullptr)),
      memory_(std::move(other.memory_)),
      deadline_ns_(other.deadline_ns_),
      pass_(std::exchange(other.pass_, std::nullopt)),
      namespace_serial_(other.namespace_serial_),
      queue_(std::move(other.queue_)),
      contexts_(std::move(other.contexts_)) {}

ShmPath::Visit::~Visit() {
  if (path_ == nullptr) return;
  // An RPC whose end nobody has explained says nothing about the daemon.
  if (pass_) path_->core_.breaker().Report(*pass_, Breaker::Verdict::kUnknown);
  path_->Leave(*this);
}

int64_t ShmPath::Visit::time_left_ns() const {
  return deadline_ns_ - path_->core_.clock().NowNanos();
}

std::shared_ptr<grpc::ClientContext> ShmPath::Visit::NewContext() {
  auto context = std::make_shared<grpc::ClientContext>();
  if (!path_->AddContext(context)) return nullptr;
  contexts_.push_back(context);
  return context;
}

v1::SharedMemoryService::Stub& ShmPath::Visit::stub() {
  return *path_->core_.NextConnection().shared;
}

std::shared_ptr<ShmLine> ShmPath::Visit::TakeLine() {
  return path_->lines_.Take(path_->link_.path(), memory_);
}

void ShmPath::Visit::GiveBackLine(std::shared_ptr<ShmLine> line) {
  path_->lines_.GiveBack(std::move(line), memory_);
}

std::optional<uint32_t> ShmPath::Visit::NameOf(RegionState& region) {
  return region.NameIn(path_->link_.path(), memory_);
}

void ShmPath::Visit::Succeeded() {
  if (pass_) path_->core_.ReportToBreaker(*pass_, Outcome::kOk);
  pass_.reset();
}

bool ShmPath::Visit::Explain(const absl::Status& status, NamespaceState& ns) {
  switch (status.code()) {
    case absl::StatusCode::kDeadlineExceeded:
      if (pass_) path_->core_.ReportToBreaker(*pass_, Outcome::kTimeout);
      pass_.reset();
      return false;
    case absl::StatusCode::kFailedPrecondition:
      path_->core_.namespaces().MarkClosed(ns, namespace_serial_);
      return true;
    case absl::StatusCode::kUnauthenticated:
      path_->link_.Renew(memory_);
      return true;
    default:
      // The call by gRPC will find out the same, or not.
      return true;
  }
}

std::optional<ShmPath::Visit> ShmPath::Enter(absl::Duration budget, NamespaceState& ns) {
  if (main_socket_path_.empty() || core_.disabled() || core_.forked()) return std::nullopt;
  ShmMemoryRef memory = link_.memory();
  if (memory == nullptr || core_.breaker().is_open()) return std::nullopt;
  uint64_t serial = 0;
  {
    MutexLock lock(ns.mutex);
    if (!ns.open || ns.epoch != core_.connection_epoch()) return std::nullopt;
    serial = ns.serial;
  }
  std::unique_ptr<grpc::CompletionQueue> queue;
  {
    MutexLock lock(mutex_);
    if (refusing_ || visits_ >= core_.options().max_calls) return std::nullopt;
    ++visits_;
    if (!queues_.empty()) {
      queue = std::move(queues_.back());
      queues_.pop_back();
    }
  }
  if (queue == nullptr) queue = std::make_unique<grpc::CompletionQueue>();
  const std::optional<Breaker::Pass> pass = core_.breaker().Admit();
  const int64_t deadline_ns = core_.clock().NowNanos() + absl::ToInt64Nanoseconds(budget);
  Visit visit(*this, std::move(memory), deadline_ns, pass.value_or(Breaker::Pass{}), serial,
              std::move(queue));
  if (pass) return visit;
  visit.pass_.reset();
  return std::nullopt;
}

bool ShmPath::AddContext(const std::shared_ptr<grpc::ClientContext>& context) {
  MutexLock lock(mutex_);
  if (refusing_) return false;
  contexts_.insert(context);
  return true;
}

void ShmPath::Leave(Visit& visit) {
  MutexLock lock(mutex_);
  queues_.push_back(std::move(visit.queue_));
  for (const auto& context : visit.contexts_) contexts_.erase(context);
  // With the lock held: whoever waits may destroy this object once it has seen zero.
  if (--visits_ == 0) quiet_.NotifyAll();
}

// --- Leases

void ShmPath::GiveBack(ShmMemoryRef memory, uint64_t lease) {
  const int64_t now_ns = core_.clock().NowNanos();
  {
    MutexLock lock(mutex_);
    if (refusing_) return;  // the session goes, and its leases with it
    returned_.push_back({std::move(memory), lease, now_ns});
    if (std::exchange(flush_is_set_, true)) return;
  }
  SetFlush(now_ns + absl::ToInt64Nanoseconds(kFlushDelay));
}

void ShmPath::SetFlush(int64_t due_ns) {
  core_.timer().Add(core_.timer().NewKey(due_ns), [this] { FlushReturned(); });
}

std::vector<uint64_t> ShmPath::TakeReturned(const ShmMemoryRef& memory) {
  std::vector<Returned> taken;
  {
    MutexLock lock(mutex_);
    taken.swap(returned_);
  }
  std::vector<uint64_t> leases;
  // Those of an earlier session went with it.
  for (const Returned& one : taken) {
    if (one.memory == memory) leases.push_back(one.lease);
  }
  return leases;
}

void ShmPath::FlushReturned() {
  std::optional<int64_t> due_ns;
  {
    MutexLock lock(mutex_);
    // A caller at work takes them along with each call: then those that are here are young.
    if (!returned_.empty()) {
      due_ns = returned_.front().since_ns + absl::ToInt64Nanoseconds(kFlushDelay);
    }
    flush_is_set_ = due_ns && *due_ns > core_.clock().NowNanos();
    if (!flush_is_set_) due_ns.reset();
  }
  if (due_ns) {
    SetFlush(*due_ns);
    return;
  }
  const ShmMemoryRef memory = link_.memory();
  const std::vector<uint64_t> leases = TakeReturned(memory);
  if (memory != nullptr && !leases.empty()) SendReturned(memory->session(), leases);
}

void ShmPath::SendReturned(const std::string& session, const std::vector<uint64_t>& leases) {
  if (!core_.loop().BeginRpc()) return;
  auto rpc = std::make_shared<UnaryRpc<v1::ReleaseLeasesResponse>>(core_.loop(), kControlTimeoutNs);
  Track(rpc);
  v1::ReleaseLeasesRequest request;
  request.set_session(session);
  request.mutable_leases()->Add(leases.begin(), leases.end());
  auto reader = core_.NextConnection().shared->PrepareAsyncReleaseLeases(&rpc->context(), request,
                                                                         core_.loop().queue());
  // If it does not arrive, the leases run out.
  rpc->Start(std::move(reader), [](const grpc::Status&, const v1::ReleaseLeasesResponse&) {});
}

// --- Staging memory

bool ShmPath::AcquireStaging(int64_t deadline_ns) {
  MutexLock lock(mutex_);
  while (staging_taken_) {
    const int64_t left_ns = deadline_ns - core_.clock().NowNanos();
    if (refusing_ || left_ns <= 0) return false;
    staging_free_.WaitFor(mutex_, absl::Nanoseconds(left_ns));
  }
  staging_taken_ = true;
  return true;
}

void ShmPath::ReturnStaging() {
  MutexLock lock(mutex_);
  staging_taken_ = false;
  staging_free_.NotifyOne();
}

// --- The end

void ShmPath::RefuseCalls() {
  std::vector<std::shared_ptr<Rpc>> rpcs;
  std::vector<std::shared_ptr<grpc::ClientContext>> contexts;
  {
    MutexLock lock(mutex_);
    refusing_ = true;
    contexts.assign(contexts_.begin(), contexts_.end());
    for (const std::weak_ptr<Rpc>& weak : rpcs_) {
      if (auto rpc = weak.lock()) rpcs.push_back(std::move(rpc));
    }
    staging_free_.NotifyAll();
  }
  lines_.Close();
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& rpc : rpcs) rpc->Cancel();
  // What waits runs now, and finds that there is nothing to go by.
  workers_.Stop();
}

void ShmPath::WaitForCalls() {
  workers_.WaitUntilQuiet();
  MutexLock lock(mutex_);
  while (visits_ > 0) quiet_.Wait(mutex_);
}

void ShmPath::Stop() {
  link_.Stop();
  std::vector<std::unique_ptr<grpc::CompletionQueue>> queues;
  {
    MutexLock lock(mutex_);
    queues.swap(queues_);
  }
  for (const auto& queue : queues) {
    queue->Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) HL_CHECK(false);  // every call has been waited for
  }
}

}  // namespace halflife::client
