#include "client/src/shm_call.h"

#include <algorithm>
#include <vector>

#include "common/endian.h"
#include "common/limits.h"

namespace halflife::client {

bool LeaseBlocks(ShmPath& path, ShmPath::Visit& visit, absl::Duration length,
                 v1::LeaseBlocksRequest& request, v1::LeaseBlocksResponse& response,
                 NamespaceState& ns) {
  const absl::Duration lease = std::clamp(length, absl::Milliseconds(1), kMaxLease);
  request.set_session(visit.memory()->session());
  request.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(lease)));
  const std::vector<uint64_t> returned = path.TakeReturned(visit.memory());
  request.mutable_release()->Add(returned.begin(), returned.end());
  const auto context = visit.NewContext();
  if (context == nullptr) return false;
  const grpc::Status status = visit.stub().LeaseBlocks(context.get(), request, &response);
  if (status.ok()) {
    visit.Succeeded();
    return true;
  }
  visit.Explain(status, ns);
  return false;
}

BlockIdentity IdentityOf(const NamespaceState& ns, const TransferShape& shape, uint32_t group,
                         size_t item) {
  return {.ns = ns.id,
          .hash = shape.chain[item / shape.part_count],
          .group = group,
          .part = static_cast<uint16_t>(shape.part_first + item % shape.part_count)};
}

Digest128 ChecksumOf(const v1::SharedBlock& block) {
  Digest128 checksum;
  StoreLe64(checksum.data(), block.checksum_low());
  StoreLe64(checksum.data() + 8, block.checksum_high());
  return checksum;
}

void SetChecksum(const Digest128& checksum, v1::StagedBlock& block) {
  block.set_checksum_low(LoadLe64(checksum.data()));
  block.set_checksum_high(LoadLe64(checksum.data() + 8));
}

}  // namespace halflife::client
