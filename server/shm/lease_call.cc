#include "server/shm/lease_call.h"

#include <algorithm>
#include <utility>

#include "common/endian.h"
#include "common/status.h"
#include "proto/wire/grpc_status.h"
#include "server/rpc/rpc_environment.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

// Blocks per read: bounds what is read in vain behind a block that turns out to be gone.
constexpr size_t kReadBatch = 32;
// Copied into a region between two looks at whether somebody still wants it.
constexpr uint64_t kWritePieceBytes = uint64_t{1} << 20;

v1::BlockStatus StatusToWire(const absl::Status& status) {
  switch (FrameStatusOf(status)) {
    case FrameStatus::kOk:
      return v1::BLOCK_STATUS_OK;
    case FrameStatus::kMiss:
      return v1::BLOCK_STATUS_MISS;
    case FrameStatus::kCorrupt:
      return v1::BLOCK_STATUS_CORRUPT;
    case FrameStatus::kUnavailable:
      break;
  }
  return v1::BLOCK_STATUS_UNAVAILABLE;
}

// Of a SharedBlock or a CopiedBlock.
template <typename Message>
void SetChecksum(const Digest128& checksum, Message* message) {
  message->set_checksum_low(LoadLe64(checksum.data()));
  message->set_checksum_high(LoadLe64(checksum.data() + 8));
}

}  // namespace

absl::StatusOr<bool> LeaseCall::Start(const v1::LeaseBlocksRequest& request) {
  // Gone already is as good.
  for (const LeaseId lease : request.release()) {
    static_cast<void>(environment_.store.Release(lease));
  }
  HL_ASSIGN_OR_RETURN(duration_, LeaseFromWire(request.lease_ms()));
  return Find(request.get());
}

absl::StatusOr<bool> LeaseCall::Start(const v1::CopyBlocksRequest& request) {
  for (const LeaseId lease : request.release()) {
    static_cast<void>(environment_.store.Release(lease));
  }
  return Find(request.get());
}

absl::StatusOr<bool> LeaseCall::Find(const v1::GetRequest& request) {
  HL_ASSIGN_OR_RETURN(plan_, MakeGetPlan(environment_.store, request));
  found_.resize(plan_->items.size());
  for (size_t i = 0; i < found_.size(); ++i) {
    GetPlan::Item& item = plan_->items[i];
    if (item.is_hole) continue;
    BlockRef block =
        plan_->lease ? std::move(item.leased) : environment_.store.FindInDram(item.address);
    if (block) {
      found_[i].block = std::move(block);
    } else {
      missing_.push_back(i);
    }
  }
  if (missing_.empty()) return true;
  auto hold = environment_.read_bytes.TryHold(missing_.size() * plan_->block_bytes());
  if (!hold) {
    return WithRetryDelay(absl::ResourceExhaustedError("shared memory: too much is being read"),
                          kRetryDelay);
  }
  reading_ = *std::move(hold);
  return false;
}

void LeaseCall::Read() {
  for (size_t first = 0; first < missing_.size(); first += kReadBatch) {
    const size_t end = std::min(missing_.size(), first + kReadBatch);
    std::vector<BlockAddress> addresses;
    for (size_t k = first; k < end; ++k) addresses.push_back(plan_->items[missing_[k]].address);
    std::vector<absl::StatusOr<BlockRef>> blocks = environment_.store.Read(addresses);
    bool whole = true;
    for (size_t k = first; k < end; ++k) {
      whole = whole && blocks[k - first].ok();
      found_[missing_[k]] = {std::move(blocks[k - first]), /*from_ssd=*/true};
    }
    if (!whole && plan_->ascending) return;
  }
}

absl::Status LeaseCall::Promise(v1::LeaseBlocksResponse& response) {
  BlockStore::LeasedBlocks promised{plan_->ns, plan_->parts, {}};
  promised.blocks.resize(found_.size());
  uint64_t promised_blocks = 0;
  response.mutable_blocks()->Reserve(static_cast<int>(found_.size()));
  for (size_t item = 0; item < found_.size(); ++item) {
    v1::SharedBlock* const message = response.add_blocks();
    const bool there = Settled(item);
    message->set_status(StatusToWire(found_[item].block.status()));
    if (!there) continue;
    const BlockRef& block = *found_[item].block;
    const BlockStore::SharedPlace place = environment_.store.PlaceOf(block);
    message->set_offset(place.offset);
    message->set_generation(place.generation);
    message->set_length(block.payload().size());
    SetChecksum(block.checksum(), message);
    // By its place in the chain, whatever the order: so it is found again by its index.
    promised.blocks[plan_->PositionOf(plan_->items[item])] = block;
    ++promised_blocks;
  }
  answered_ = promised_blocks == 0;
  if (answered_) return absl::OkStatus();
  HL_ASSIGN_OR_RETURN(const LeaseId lease,
                      environment_.store.Lease(std::move(promised), duration_, session_->number()));
  if (session_->closed()) {
    // It closed meanwhile: what was given back then did not include this.
    static_cast<void>(environment_.store.Release(lease));
    return absl::UnauthenticatedError("the session is gone");
  }
  answered_ = true;
  response.set_lease_id(lease);
  response.set_lease_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(duration_)));
  environment_.leases.fetch_add(1, std::memory_order_relaxed);
  environment_.leased_blocks.fetch_add(promised_blocks, std::memory_order_relaxed);
  return absl::OkStatus();
}

bool LeaseCall::Settled(size_t item) {
  Found& found = found_[item];
  const bool unbroken = prefix_items_ == item;
  // As in a Get: ascending order ends at the first miss.
  if (!unbroken && plan_->ascending) found.block = absl::NotFoundError("behind a miss");
  if (found.block.ok() && unbroken) ++prefix_items_;
  return found.block.ok();
}

absl::Status LeaseCall::Copy(const google::protobuf::RepeatedPtrField<v1::CopyTarget>& targets,
                             v1::CopyBlocksResponse& response) {
  if (static_cast<size_t>(targets.size()) != found_.size()) {
    return absl::InvalidArgumentError(absl::StrCat("targets has ", targets.size(), " entries, ",
                                                   found_.size(), " blocks are asked for"));
  }
  std::vector<RegionPlace> places;
  for (const v1::CopyTarget& target : targets) {
    HL_ASSIGN_OR_RETURN(RegionPlace place,
                        RegionPlace::Of(*session_, target.pieces(), plan_->block_bytes()));
    places.push_back(std::move(place));
  }
  for (size_t item = 0; item < found_.size(); ++item) {
    v1::CopiedBlock* const message = response.add_blocks();
    const bool there = Settled(item);
    message->set_status(StatusToWire(found_[item].block.status()));
    if (!there) continue;
    const BlockRef& block = *found_[item].block;
    HL_RETURN_IF_ERROR(CopyOne(block, places[item]));
    SetChecksum(block.checksum(), message);
  }
  answered_ = true;
  return absl::OkStatus();
}

absl::Status LeaseCall::CopyOne(const BlockRef& block, const RegionPlace& place) const {
  const absl::Span<const uint8_t> payload = block.payload();
  for (uint64_t offset = 0; offset < payload.size(); offset += kWritePieceBytes) {
    if (session_->closed()) return absl::UnauthenticatedError("the session is gone");
    const uint64_t size = std::min<uint64_t>(payload.size() - offset, kWritePieceBytes);
    HL_RETURN_IF_ERROR(place.Write(offset, payload.subspan(offset, size)));
  }
  return absl::OkStatus();
}

void LeaseCall::Settle() const {
  if (!answered_) return;
  const auto prefix_blocks = static_cast<uint32_t>(prefix_items_ / plan_->parts.count);
  if (prefix_blocks > 0 && !plan_->hashes.empty()) {
    environment_.store.Touch(plan_->chain(), prefix_blocks, plan_->parts, plan_->attributes);
  }
  BlockStore::SentBlocks sent;
  for (const Found& found : found_) {
    if (!found.block.ok()) continue;
    const auto tier = static_cast<size_t>(found.from_ssd ? Tier::kSsd : Tier::kDram);
    ++sent.blocks[tier];
    sent.bytes[tier] += plan_->block_bytes();
  }
  environment_.store.CountGet(plan_->ns, plan_->attributes, sent);
}

absl::Status RunCopy(LeaseCall& call, const v1::CopyBlocksRequest& request,
                     v1::CopyBlocksResponse& response) {
  HL_ASSIGN_OR_RETURN(const bool at_hand, call.Start(request));
  if (!at_hand) call.Read();
  return call.Copy(request.targets(), response);
}

}  // namespace halflife
