#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "client/include/halflife/client.h"
#include "client/src/core.h"
#include "client/src/namespaces.h"
#include "client/src/shm_memory.h"
#include "client/src/transfer_shape.h"

namespace halflife::client {

// What the views of one GetView share: a lease on the daemon's memory, or memory of our own. Gives
// the lease back when the last view is gone, if the client still lives. Immutable; thread-safe.
struct BlockView::Source {
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source();

  ShmMemoryRef memory;  // null: `owned`
  uint64_t lease = 0;
  std::weak_ptr<ClientCore> core;
  std::unique_ptr<uint8_t[]> owned;
};

// One GetView. Returns what could be viewed in place; nullopt: by gRPC, into memory of our own.
std::optional<ViewResult> ViewInPlace(const std::shared_ptr<ClientCore>& core,
                                      const ViewRequest& request,
                                      const std::shared_ptr<NamespaceState>& ns);

// Parts and number of blocks are within the namespace's and the call's limits.
bool AreViewable(const ViewRequest& request, const NamespaceState& ns);
// The same as a Get into memory of `source`, which this allocates.
GetRequest GetInsteadOfView(const ViewRequest& request, const NamespaceState& ns,
                            BlockView::Source& source, std::vector<Segment>& segments);
// The views of its result.
ViewResult ViewsOf(const GetResult& result, std::shared_ptr<const BlockView::Source> source,
                   uint64_t block_bytes);

}  // namespace halflife::client
