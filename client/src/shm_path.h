#pragma once

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "client/include/halflife/client.h"
#include "client/src/breaker.h"
#include "client/src/channels.h"
#include "client/src/namespaces.h"
#include "client/src/rpc.h"
#include "client/src/shm_lines.h"
#include "client/src/shm_link.h"
#include "client/src/shm_memory.h"
#include "client/src/shm_workers.h"
#include "common/mutex.h"

namespace halflife::client {

class ClientCore;
class RegionState;

// The way to the daemon's memory, where there is one: the offer, the session, and what the calls
// over it share. Everything that is not as it should be on this way ends in "go by gRPC": nothing
// here decides that a block is missing but the daemon's own word. Thread-safe. Borrows the core.
class ShmPath {
 public:
  explicit ShmPath(ClientCore& core);

  // A connection has come up: asks whether the daemon on it offers shared memory. On the completion
  // thread.
  void OnConnected();
  // Null: go by gRPC.
  ShmMemoryRef memory() const;
  bool WaitForMemory(absl::Duration timeout) { return link_.WaitForMemory(timeout); }
  // Calls that find no session must not go by gRPC.
  bool required() const;

  // --- One blocking call, on the caller's thread
  // What a call needs to run: made by Enter, ended by its destruction. Not thread-safe.
  class Visit {
   public:
    Visit(Visit&& other) noexcept;
    Visit& operator=(Visit&&) = delete;
    ~Visit();

    const ShmMemoryRef& memory() const { return memory_; }
    int64_t deadline_ns() const { return deadline_ns_; }
    int64_t time_left_ns() const;
    bool late() const { return time_left_ns() <= 0; }

    // A context that is cancelled if the client ends; it has no deadline. Not after the client
    // ended: null.
    std::shared_ptr<grpc::ClientContext> NewContext();
    v1::SharedMemoryService::Stub& stub();
    // Of this visit alone. Empty when it ends.
    grpc::CompletionQueue& queue() { return *queue_; }
    // For one call; null: it goes by gRPC. Back to where it came from with GiveBackLine.
    std::shared_ptr<ShmLine> TakeLine();
    void GiveBackLine(std::shared_ptr<ShmLine> line);
    // Nullopt: the daemon does not know the region, and does not want to.
    std::optional<uint32_t> NameOf(RegionState& region);
    // Says to breaker and session what an RPC came to. True: it is worth going by gRPC.
    bool Explain(const absl::Status& status, NamespaceState& ns);
    // The daemon has answered.
    void Succeeded();

   private:
    friend class ShmPath;
    Visit(ShmPath& path, ShmMemoryRef memory, int64_t deadline_ns, const Breaker::Pass& pass,
          uint64_t namespace_serial, std::unique_ptr<grpc::CompletionQueue> queue);

    ShmPath* path_;
    ShmMemoryRef memory_;
    int64_t deadline_ns_;
    std::optional<Breaker::Pass> pass_;
    uint64_t namespace_serial_;
    std::unique_ptr<grpc::CompletionQueue> queue_;
    std::vector<std::shared_ptr<grpc::ClientContext>> contexts_;
  };
  // Nullopt: go by gRPC (no session, breaker or namespace not open, client ending or forked).
  std::optional<Visit> Enter(absl::Duration budget, NamespaceState& ns);

  ShmLines& lines() { return lines_; }
  // Where payload is copied, if not on the caller's thread.
  ShmWorkers& workers() { return workers_; }

  // --- Leases
  // Gives a lease back with the next call, or soon.
  void GiveBack(ShmMemoryRef memory, uint64_t lease);
  // Those that are to be given back in this session; the caller sends them.
  std::vector<uint64_t> TakeReturned(const ShmMemoryRef& memory);

  // --- Staging memory: one Put at a time
  // False if it was not free until the deadline.
  bool AcquireStaging(int64_t deadline_ns);
  void ReturnStaging();

  // Cancels calls; further ones go by gRPC. Then waits until the last has ended.
  void RefuseCalls();
  void WaitForCalls();
  // At the end, after the last RPC.
  void Stop();

 private:
  struct Returned {
    ShmMemoryRef memory;
    uint64_t lease = 0;
    int64_t since_ns = 0;
  };

  void Leave(Visit& visit);
  bool AddContext(const std::shared_ptr<grpc::ClientContext>& context);
  void SetFlush(int64_t due_ns);
  void FlushReturned();
  void SendReturned(const std::string& session, const std::vector<uint64_t>& leases);
  // For `Cancel` at the end of the client.
  void Track(const std::shared_ptr<Rpc>& rpc);

  ClientCore& core_;
  std::string main_socket_path_;  // empty: no Unix socket, no shared memory
  ShmLink link_;
  ShmLines lines_;
  ShmWorkers workers_;

  Mutex mutex_;
  CondVar quiet_;
  CondVar staging_free_;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  bool staging_taken_ ABSL_GUARDED_BY(mutex_) = false;
  bool flush_is_set_ ABSL_GUARDED_BY(mutex_) = false;
  int visits_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::flat_hash_set<std::shared_ptr<grpc::ClientContext>> contexts_ ABSL_GUARDED_BY(mutex_);
  std::vector<Returned> returned_ ABSL_GUARDED_BY(mutex_);
  // Those of former visits: to make and to end one costs more than to keep it.
  std::vector<std::unique_ptr<grpc::CompletionQueue>> queues_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Rpc>> rpcs_ ABSL_GUARDED_BY(mutex_);  // of no call
};

}  // namespace halflife::client
