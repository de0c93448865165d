#pragma once

#include <memory>
#include <optional>

#include "absl/types/span.h"
#include "client/include/halflife/client.h"
#include "client/src/core.h"
#include "client/src/namespaces.h"
#include "client/src/shm_path.h"
#include "client/src/transfer_shape.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {

// One blocking Get over shared memory, on the caller's thread. Into a region, the daemon copies and
// this verifies. Else: a lease call, one copy per block from the daemon's memory into the caller's,
// and proof that the memory was the block's all the time (common/generation_words.h), so that a
// client that was stopped past its lease cannot be given another block's bytes. One thread at a
// time.
class ShmGet {
 public:
  ShmGet(ClientCore& core, GetRequest& request, std::shared_ptr<NamespaceState> ns)
      : core_(core), request_(request), ns_(std::move(ns)) {}

  // Takes the items from the request. Nullopt: go by gRPC, the request is as it was but for a
  // budget that says what is left.
  std::optional<GetResult> Run();

 private:
  enum class Copied { kOk, kMiss, kStale, kCorrupt, kViolated, kLate };

  // Has the daemon copy into the region. False: it cannot, or late.
  bool CopyByDaemon(ShmPath::Visit& visit);
  bool AddTargets(uint32_t region, v1::CopyBlocksRequest& message) const;
  bool TakeCopied(const v1::CopyBlocksResponse& response);
  bool Holds(const v1::CopiedBlock& block, size_t item) const;
  // False: go by gRPC, or late.
  bool Lease(ShmPath::Visit& visit);
  // False if gRPC should do it all over again.
  bool CopyAll(const ShmPath::Visit& visit);
  Copied Copy(const ShmPath::Visit& visit, const v1::SharedBlock& block, size_t item) const;
  size_t ItemOf(size_t record) const;
  GetResult Finish(Outcome outcome);

  ClientCore& core_;
  GetRequest& request_;
  const std::shared_ptr<NamespaceState> ns_;
  TransferShape shape_;
  v1::LeaseBlocksResponse leased_;
  uint64_t corrupt_blocks_ = 0;
  bool settled_ = true;
  bool late_ = false;
};

}  // namespace halflife::client
