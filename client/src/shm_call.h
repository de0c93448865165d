#pragma once

#include <cstddef>
#include <cstdint>

#include "absl/time/time.h"
#include "client/src/namespaces.h"
#include "client/src/shm_path.h"
#include "client/src/transfer_shape.h"
#include "common/block/block_id.h"
#include "common/hashing.h"
#include "halflife/v1/shared_memory.pb.h"

namespace halflife::client {

// What the calls over shared memory have in common.

// Fills in session, length and the leases that go back, and asks. False if there is no answer worth
// reading: the budget is over, or it is worth going by gRPC.
bool LeaseBlocks(ShmPath& path, ShmPath::Visit& visit, absl::Duration length,
                 v1::LeaseBlocksRequest& request, v1::LeaseBlocksResponse& response,
                 NamespaceState& ns);

// What item `item` of a call is called.
BlockIdentity IdentityOf(const NamespaceState& ns, const TransferShape& shape, uint32_t group,
                         size_t item);

Digest128 ChecksumOf(const v1::SharedBlock& block);
Digest128 ChecksumOf(const v1::CopiedBlock& block);
void SetChecksum(const Digest128& checksum, v1::StagedBlock& block);

}  // namespace halflife::client
