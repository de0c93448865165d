#include "server/rpc/store_wire.h"

#include <utility>

#include "common/limits.h"
#include "common/status.h"
#include "proto/wire/chain_wire.h"
#include "proto/wire/limit_check.h"

namespace halflife {
namespace {

v1::Tier TierToWire(Tier tier) { return tier == Tier::kDram ? v1::TIER_DRAM : v1::TIER_SSD; }

}  // namespace

v1::MissReason MissReasonToWire(MissReason reason) {
  switch (reason) {
    case MissReason::kNone:
      break;
    case MissReason::kNeverSeen:
      return v1::MISS_REASON_NEVER_SEEN;
    case MissReason::kEvicted:
      return v1::MISS_REASON_EVICTED;
    case MissReason::kNotAdmitted:
      return v1::MISS_REASON_NOT_ADMITTED;
    case MissReason::kExpired:
      return v1::MISS_REASON_EXPIRED;
    case MissReason::kCorrupt:
      return v1::MISS_REASON_CORRUPT;
    case MissReason::kWrongNamespace:
      return v1::MISS_REASON_WRONG_NAMESPACE;
    case MissReason::kOverQuota:
      return v1::MISS_REASON_OVER_QUOTA;
    case MissReason::kUnavailable:
      return v1::MISS_REASON_UNAVAILABLE;
  }
  return v1::MISS_REASON_UNSPECIFIED;
}

absl::StatusOr<NamespaceRef> FindNamespaceOf(const BlockStore& store, std::string_view bytes) {
  HL_ASSIGN_OR_RETURN(const NamespaceId id, NamespaceIdFromWire(bytes));
  NamespaceRef ns = store.FindNamespace(id);
  if (ns != nullptr) return ns;
  return absl::FailedPreconditionError(absl::StrCat("namespace ", ShortHex(id.bytes),
                                                    " is not open here: call OpenNamespace first"));
}

absl::StatusOr<ChainSlice> ChainSliceFromWire(const NamespaceRef& ns, const v1::Chain& message,
                                              uint32_t max_blocks) {
  HL_ASSIGN_OR_RETURN(const ChainView chain, ChainFromWire(message, max_blocks));
  return ChainSlice{.ns = ns,
                    .group = chain.group,
                    .first_depth = chain.first_depth,
                    .parent = chain.parent,
                    .hashes = chain.hashes};
}

absl::StatusOr<PartRange> StorePartsFromWire(const NamespaceRef& ns, const v1::PartRange& message) {
  HL_ASSIGN_OR_RETURN(const WirePartRange range, PartRangeFromWire(message, ns->descriptor.parts));
  return PartRange{.first = range.first, .count = range.count};
}

absl::StatusOr<absl::Duration> LeaseFromWire(uint32_t lease_ms) {
  if (lease_ms == 0) return kDefaultLease;
  HL_RETURN_IF_ERROR(CheckAtMost("lease_ms", lease_ms, absl::ToInt64Milliseconds(kMaxLease)));
  return absl::Milliseconds(lease_ms);
}

absl::StatusOr<CallerHint> HintFromWire(const v1::HintRequest& message) {
  CallerHint hint;
  if (message.duration_ms() > 0) hint.duration = absl::Milliseconds(message.duration_ms());
  switch (message.kind()) {
    case v1::HINT_KIND_RETAIN:
      hint.kind = CallerHint::Kind::kRetain;
      return hint;
    case v1::HINT_KIND_PREFETCH:
      hint.kind = CallerHint::Kind::kPrefetch;
      return hint;
    case v1::HINT_KIND_DEMOTE:
      hint.kind = CallerHint::Kind::kDemote;
      return hint;
    case v1::HINT_KIND_RELEASE:
      hint.kind = CallerHint::Kind::kRelease;
      return hint;
    default:
      return absl::InvalidArgumentError(
          absl::StrCat("kind is ", static_cast<int>(message.kind()), ", which is not a hint"));
  }
}

v1::HintResponse HintAnswerToWire(const HintAnswer& answer) {
  v1::HintResponse response;
  // UNSPECIFIED comes first on the wire.
  response.set_verdict(static_cast<v1::HintVerdict>(static_cast<int>(answer.verdict) + 1));
  response.set_blocks(answer.blocks);
  response.set_duration_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(answer.duration)));
  response.set_reason(answer.reason);
  return response;
}

v1::LookupResponse LookupToWire(const LookupResult& result, uint32_t blocks) {
  v1::LookupResponse response;
  response.set_prefix_blocks(result.prefix_blocks);
  for (const LookupResult::Run& run : result.runs) {
    v1::LookupResponse::Run* message = response.add_runs();
    message->set_first(run.first);
    message->set_count(run.count);
    message->set_tier(TierToWire(run.tier));
  }
  response.set_bitmap(result.bitmap.data(), result.bitmap.size());
  response.set_miss_reason(MissReasonToWire(result.miss_reason));
  response.set_view_epoch(1);
  response.set_blocks(blocks);
  return response;
}

void AddTierRates(const TierRates& rates, v1::LookupResponse* response) {
  for (const Tier tier : {Tier::kDram, Tier::kSsd}) {
    const std::optional<TierRates::Rate> rate = rates.Of(tier);
    if (!rate) continue;
    v1::LookupResponse::TierRate* message = response->add_tier_rates();
    message->set_tier(TierToWire(tier));
    message->set_bytes_per_second(rate->bytes_per_second);
    message->set_queue_us(rate->queue_us);
  }
}

v1::PutStatus PutOutcomeToWire(PutOutcome outcome) {
  switch (outcome) {
    case PutOutcome::kStored:
      return v1::PUT_STATUS_STORED;
    case PutOutcome::kDuplicate:
      return v1::PUT_STATUS_DUPLICATE;
    case PutOutcome::kDuplicateOtherBytes:
      return v1::PUT_STATUS_DUPLICATE_OTHER_BYTES;
    case PutOutcome::kRefusedNoRoom:
      return v1::PUT_STATUS_NO_ROOM;
    case PutOutcome::kRefusedNotAdmitted:
      return v1::PUT_STATUS_NOT_ADMITTED;
    case PutOutcome::kRefusedChecksum:
      return v1::PUT_STATUS_CHECKSUM;
    case PutOutcome::kRefusedOverQuota:
      return v1::PUT_STATUS_OVER_QUOTA;
  }
  return v1::PUT_STATUS_UNSPECIFIED;
}

std::optional<PutOutcome> RefusalOf(const absl::Status& no_buffer) {
  if (absl::IsResourceExhausted(no_buffer)) return PutOutcome::kRefusedNoRoom;
  if (absl::IsFailedPrecondition(no_buffer)) return PutOutcome::kRefusedNotAdmitted;
  if (absl::IsOutOfRange(no_buffer)) return PutOutcome::kRefusedOverQuota;
  return std::nullopt;
}

FrameStatus FrameStatusOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return FrameStatus::kOk;
    case absl::StatusCode::kNotFound:
      return FrameStatus::kMiss;
    case absl::StatusCode::kDataLoss:
      return FrameStatus::kCorrupt;
    default:
      return FrameStatus::kUnavailable;
  }
}

}  // namespace halflife
