#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "client/include/halflife/client.h"
#include "client/src/core.h"
#include "client/src/namespaces.h"
#include "client/src/shm_commit.h"
#include "client/src/shm_path.h"
#include "client/src/transfer_shape.h"

namespace halflife::client {

// One blocking Put over shared memory, on the caller's thread. The blocks go through staging
// memory, or are read by the daemon from the region they lie in, in batches: while the daemon
// copies and verifies one batch, the next is copied and hashed here. One thread at a time.
class ShmPut {
 public:
  ShmPut(ClientCore& core, PutRequest& request, std::shared_ptr<NamespaceState> ns)
      : core_(core), request_(request), ns_(std::move(ns)) {}

  // Takes the items from the request. Nullopt: go by gRPC, the request is as it was but for a
  // budget that says what is left.
  std::optional<PutResult> Run();

 private:
  // Whole blocks [first, first + count) of the chain.
  struct Batch {
    size_t first = 0;
    size_t count = 0;
  };
  enum class Went { kOn, kLate, kRefused, kByGrpc };

  std::vector<Batch> Batches(uint64_t staging_bytes) const;
  Went PutAll(ShmPath::Visit& visit);
  // Copies and hashes a batch into its part of the staging memory; of a region, hashes it where it
  // lies. False if the budget is over.
  bool Stage(const ShmPath::Visit& visit, const Batch& batch, uint64_t staging_offset,
             v1::CommitBlocksRequest& message);
  Digest128 StageOne(const ShmPath::Visit& visit, size_t item, v1::StagedBlock& staged);
  // Of the region, if the blocks are all in it and the daemon reads it.
  std::optional<uint32_t> UsableRegion(ShmPath::Visit& visit) const;
  absl::StatusOr<v1::PutHeader> HeaderOf(const Batch& batch) const;
  Went Settle(ShmPath::Visit& visit, const Batch& batch, const ShmCommits::Answer& answer);
  PutResult Finish(Outcome outcome);

  ClientCore& core_;
  PutRequest& request_;
  const std::shared_ptr<NamespaceState> ns_;
  std::optional<uint32_t> region_;  // the daemon reads from it
  TransferShape shape_;
  bool no_room_ = false;
};

}  // namespace halflife::client
