#include "client/src/shm_call.h"

#include <algorithm>
#include <vector>

#include "client/src/polled_calls.h"
#include "common/endian.h"
#include "common/limits.h"
#include "proto/wire/grpc_status.h"

namespace halflife::client {

namespace {

Digest128 DigestOf(uint64_t low, uint64_t high) {
  Digest128 digest;
  StoreLe64(digest.data(), low);
  StoreLe64(digest.data() + 8, high);
  return digest;
}

absl::Status AskByGrpc(ShmPath::Visit& visit, const v1::LeaseBlocksRequest& request,
                       v1::LeaseBlocksResponse& response) {
  PolledCalls<v1::LeaseBlocksResponse> calls(visit);
  if (!calls.Start([&](grpc::ClientContext* context, grpc::CompletionQueue* queue) {
        return visit.stub().AsyncLeaseBlocks(context, request, queue);
      })) {
    return absl::CancelledError("the client is ending");
  }
  auto answer = calls.Wait();
  response = std::move(answer.response);
  return FromGrpcStatus(answer.status);
}

absl::Status Ask(ShmPath::Visit& visit, const v1::LeaseBlocksRequest& request,
                 v1::LeaseBlocksResponse& response) {
  std::shared_ptr<ShmLine> line = visit.TakeLine();
  if (line == nullptr) return AskByGrpc(visit, request, response);
  const bool sent = line->Send(LineMethod::kLeaseBlocks, request);
  absl::Status status =
      sent ? line->Receive(response, visit.time_left_ns()) : absl::AbortedError("not sent");
  const bool broken = absl::IsAborted(status) && (!sent || !line->usable());
  visit.GiveBackLine(std::move(line));
  return broken ? AskByGrpc(visit, request, response) : status;
}

}  // namespace

bool LeaseBlocks(ShmPath& path, ShmPath::Visit& visit, absl::Duration length,
                 v1::LeaseBlocksRequest& request, v1::LeaseBlocksResponse& response,
                 NamespaceState& ns) {
  const absl::Duration lease = std::clamp(length, absl::Milliseconds(1), kMaxLease);
  request.set_session(visit.memory()->session());
  request.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(lease)));
  const std::vector<uint64_t> returned = path.TakeReturned(visit.memory());
  request.mutable_release()->Add(returned.begin(), returned.end());
  const absl::Status status = Ask(visit, request, response);
  if (status.ok()) {
    visit.Succeeded();
  } else {
    visit.Explain(status, ns);
  }
  return status.ok();
}

BlockIdentity IdentityOf(const NamespaceState& ns, const TransferShape& shape, uint32_t group,
                         size_t item) {
  return {.ns = ns.id,
          .hash = shape.chain[item / shape.part_count],
          .group = group,
          .part = static_cast<uint16_t>(shape.part_first + item % shape.part_count)};
}

Digest128 ChecksumOf(const v1::SharedBlock& block) {
  return DigestOf(block.checksum_low(), block.checksum_high());
}

Digest128 ChecksumOf(const v1::CopiedBlock& block) {
  return DigestOf(block.checksum_low(), block.checksum_high());
}

void SetChecksum(const Digest128& checksum, v1::StagedBlock& block) {
  block.set_checksum_low(LoadLe64(checksum.data()));
  block.set_checksum_high(LoadLe64(checksum.data() + 8));
}

}  // namespace halflife::client
