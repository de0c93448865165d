#include "client/src/put_call.h"

#include <algorithm>
#include <string>
#include <utility>

#include "client/src/core.h"
#include "client/src/frame_buffers.h"
#include "client/src/outcome.h"
#include "client/src/request_messages.h"
#include "common/block_copy.h"
#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/byte_buffer.h"

namespace halflife::client {
namespace {

constexpr char kMethod[] = "/halflife.v1.CacheService/Put";

Call::Needs NeedsOf(const ClientCore& core, const PutRequest& request,
                    std::shared_ptr<NamespaceState> ns) {
  const auto budget = request.budget.count() > 0 ? request.budget : core.options().put_budget;
  return {.budget = absl::FromChrono(budget), .ns = std::move(ns)};
}

grpc::ByteBuffer FirstMessage(const v1::PutHeader& header) {
  const std::string bytes = EncodePutRequest(AsBytes(header.SerializeAsString()));
  const grpc::Slice slice(bytes);
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

PutCall::PutCall(ClientCore& core, PutRequest request, std::shared_ptr<NamespaceState> ns,
                 Done done)
    : Call(core, NeedsOf(core, request, ns)), done_(std::move(done)) {
  if (const absl::Status arguments = Prepare(request, ns.get()); !arguments.ok()) {
    error_ = std::string(arguments.message());
    DecideAtOnce(Outcome::kInvalid);
  }
  MutexLock lock(mutex());
  items_ = std::move(request.items);
  // Outcomes of an earlier use of the same items must not survive a call that does not reach the
  // daemon.
  for (PutItem& item : items_) {
    item.outcome = Outcome::kRefused;
    item.duplicate = false;
  }
}

absl::Status PutCall::Prepare(const PutRequest& request, const NamespaceState* ns) {
  if (ns == nullptr || ns->owner != &core()) {
    return absl::InvalidArgumentError("the namespace handle is empty or of another client");
  }
  if (is_decided()) return absl::OkStatus();
  HL_ASSIGN_OR_RETURN(shape_,
                      ShapeOf(TransferItems(request.items, &PutItem::from), ns->descriptor));
  HL_ASSIGN_OR_RETURN(const v1::PutHeader header, PutHeaderMessage(request, *ns, *shape_));
  header_ = FirstMessage(header);
  group_ = request.group;
  return absl::OkStatus();
}

void PutCall::StartRpc() {
  const auto stream = NewRpc<StreamRpc>();
  if (stream == nullptr) return;
  stream_ = stream;
  position_ = {};
  answered_ = false;
  stream->Start(*core().NextConnection().generic, kMethod, header_, /*last=*/false,
                std::static_pointer_cast<PutCall>(shared_from_this()));
}

void PutCall::OnWritten() {
  if (answered_ || position_.item == shape_->items()) return;
  if (const auto frame = NextFrame()) stream_->Write(*frame, position_.item == shape_->items());
}

Xxh3Stream PutCall::NewChecksum() const {
  const size_t parts = shape_->part_count;
  return Xxh3Stream(
      ChecksumSeed({.ns = ns()->id,
                    .hash = shape_->chain[position_.item / parts],
                    .group = group_,
                    .part = static_cast<uint16_t>(shape_->part_first + position_.item % parts)}));
}

std::optional<Digest128> PutCall::ChecksumOfItem() {
  Xxh3Stream checksum = NewChecksum();
  // A frame's length at a time, so that the budget can end the call in between.
  uint64_t left = ns()->descriptor.block_bytes;
  for (bool first = true; left > 0; first = false) {
    const uint64_t length = std::min<uint64_t>(left, kFrameBytes);
    MutexLock lock(mutex());
    if (ended()) return std::nullopt;
    if (first) cursor_ = ScatterCursor(items_[position_.item].from);
    cursor_.Next(length, [&checksum](absl::Span<uint8_t> piece) { checksum.Update(piece); });
    left -= length;
  }
  return checksum.Finish();
}

bool PutCall::CopyOut(absl::Span<uint8_t> to, Xxh3Stream* checksum) {
  MutexLock lock(mutex());
  if (ended()) return false;
  if (position_.offset == 0) cursor_ = ScatterCursor(items_[position_.item].from);
  if (checksum == nullptr) {
    cursor_.CopyOut(to);
    return true;
  }
  cursor_.Next(to.size(), [&](absl::Span<uint8_t> from) {
    // The kernel reads it next: it stays in the caches.
    CopyAndHash(to.data(), from.data(), from.size(), /*past_cache=*/false, *checksum);
    to.remove_prefix(from.size());
  });
  return true;
}

std::optional<grpc::ByteBuffer> PutCall::NextFrame() {
  const uint64_t block_bytes = ns()->descriptor.block_bytes;
  const uint64_t length = std::min<uint64_t>(kFrameBytes, block_bytes - position_.offset);
  const bool whole_block = length == block_bytes;
  FrameHead head;
  head.index = static_cast<uint32_t>(position_.item / shape_->part_count);
  head.part = static_cast<uint32_t>(shape_->part_first + position_.item % shape_->part_count);
  head.offset = position_.offset;
  if (position_.offset == 0) {
    // Of a block in one frame it is known when the frame is filled; its place and size are now.
    head.checksum = whole_block ? Digest128{} : ChecksumOfItem();
    if (!head.checksum) return std::nullopt;
    head.block_bytes = block_bytes;
  }
  const size_t head_bytes = EncodePutRequest(head, length).size;
  FrameBuffers::Frame frame = core().frame_buffers().Take(head_bytes + length);
  std::optional<Xxh3Stream> checksum;
  if (whole_block) checksum.emplace(NewChecksum());
  if (!CopyOut(frame.bytes.subspan(head_bytes), checksum ? &*checksum : nullptr)) {
    return std::nullopt;
  }
  if (checksum) head.checksum = checksum->Finish();
  const EncodedHead encoded = EncodePutRequest(head, length);
  std::copy_n(encoded.bytes, encoded.size, frame.bytes.data());
  position_.offset += length;
  if (position_.offset == block_bytes) position_ = {.item = position_.item + 1};
  return grpc::ByteBuffer(&frame.slice, 1);
}

bool PutCall::OnMessage(const grpc::ByteBuffer& message) {
  v1::PutResponse response;
  // Exactly one answer, and it has to speak of every item.
  if (answered_ || !ParseMessage(message, response).ok() || !IsPlausible(response)) {
    Bump(core().counters().identity_mismatches);
    End(Outcome::kUnavailable);
    return false;
  }
  answered_ = true;
  MutexLock lock(mutex());
  if (ended()) return false;
  Settle(response);
  return true;
}

bool PutCall::IsPlausible(const v1::PutResponse& response) const {
  return response.status().size() == shape_->items() &&
         uint64_t{response.stored()} + response.duplicates() <= shape_->items();
}

void PutCall::Settle(const v1::PutResponse& response) {
  for (size_t i = 0; i < items_.size(); ++i) {
    const int status = static_cast<unsigned char>(response.status()[i]);
    const bool duplicate =
        status == v1::PUT_STATUS_DUPLICATE || status == v1::PUT_STATUS_DUPLICATE_OTHER_BYTES;
    items_[i].duplicate = duplicate;
    items_[i].outcome =
        duplicate || status == v1::PUT_STATUS_STORED ? Outcome::kOk : Outcome::kRefused;
  }
}

void PutCall::OnEnd(const grpc::Status& status) {
  stream_.reset();
  if (!status.ok()) {
    OnFailedRpc(status);
    return;
  }
  DetachRpc();
  if (answered_) {
    End(Outcome::kOk);
  } else {
    Bump(core().counters().identity_mismatches);
    End(Outcome::kUnavailable);
  }
}

Outcome PutCall::OutcomeOfStatus(const grpc::Status& status) const {
  switch (status.error_code()) {
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
    case grpc::StatusCode::DATA_LOSS:
      return Outcome::kRefused;
    default:
      return OutcomeOf(status);
  }
}

void PutCall::Deliver(Outcome outcome) {
  PutResult result;
  result.outcome = outcome;
  result.error = std::move(error_);
  {
    // Nobody else is left; the lock is for the thread-safety analysis.
    MutexLock lock(mutex());
    result.items = std::move(items_);
  }
  TallyItems(&result);
  if (ns() != nullptr)
    Bump(core().counters().put_bytes, result.stored * ns()->descriptor.block_bytes);
  const Done done = std::move(done_);
  done(std::move(result));
}

}  // namespace halflife::client
