#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "client/include/halflife/client.h"
#include "client/src/rpc.h"
#include "common/block/namespace_descriptor.h"
#include "common/mutex.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

class Call;
class ClientCore;

// A namespace and whether the daemon knows it. Calls borrow it through shared_ptr. Thread-safe.
struct NamespaceState {
  // Constant after construction.
  Namespace given;                 // as the caller wrote it
  NamespaceDescriptor descriptor;  // the same in domain types
  NamespaceId id;
  const ClientCore* owner = nullptr;  // only compared, never followed

  Mutex mutex;
  bool open ABSL_GUARDED_BY(mutex) = false;
  bool opening ABSL_GUARDED_BY(mutex) = false;
  uint64_t epoch ABSL_GUARDED_BY(mutex) = 0;   // of the connection it was opened on
  uint64_t serial ABSL_GUARDED_BY(mutex) = 0;  // counts successful opens
  std::vector<std::weak_ptr<Call>> waiting ABSL_GUARDED_BY(mutex);
};

// Opens namespaces at the daemon when a call needs them: the first time, after each new connection,
// and when the daemon says that it does not know one. Calls that wait for the same namespace share
// one RPC, which has a time limit of its own; their budgets run on meanwhile. Thread-safe. Borrows
// the core.
class NamespaceOpener {
 public:
  explicit NamespaceOpener(ClientCore& core) : core_(core) {}

  // Calls call->OnNamespace(outcome, serial), at once or on the completion thread.
  void WhenOpen(const std::shared_ptr<NamespaceState>& ns, const std::shared_ptr<Call>& call);
  // The daemon does not know it any more. Ignored if it was opened again after `serial`.
  void MarkClosed(NamespaceState& ns, uint64_t serial);
  // Cancels what is under way; at the end of the client.
  void CancelAll();

 private:
  void StartOpen(const std::shared_ptr<NamespaceState>& ns, uint64_t epoch);
  void OnOpened(NamespaceState& ns, uint64_t epoch, Outcome outcome);
  Outcome CheckResponse(const NamespaceState& ns, const grpc::Status& status,
                        const v1::OpenNamespaceResponse& response);

  ClientCore& core_;

  Mutex mutex_;
  absl::flat_hash_map<const Rpc*, std::weak_ptr<Rpc>> under_way_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
