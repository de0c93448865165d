#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "halflife/v1/cache.pb.h"
#include "proto/wire/frame_codec.h"
#include "server/rpc/tier_rates.h"
#include "storage/block_store.h"

// Messages <-> types of storage. (Those of common are converted in proto/wire, which does not know
// storage.)

namespace halflife {

// The open namespace of a request. Returns: kInvalidArgument unless `bytes` is an id,
// kFailedPrecondition if it is not open.
absl::StatusOr<NamespaceRef> FindNamespaceOf(const BlockStore& store, std::string_view bytes);

// A chain of a request, checked. `chain.hashes` is a view into the message.
// Returns: kInvalidArgument naming field, value and limit.
absl::StatusOr<ChainSlice> ChainSliceFromWire(const NamespaceRef& ns, const v1::Chain& message,
                                              uint32_t max_blocks);
absl::StatusOr<PartRange> StorePartsFromWire(const NamespaceRef& ns, const v1::PartRange& message);
// Returns: kInvalidArgument above kMaxLease; 0 is kDefaultLease.
absl::StatusOr<absl::Duration> LeaseFromWire(uint32_t lease_ms);

// Returns: kInvalidArgument for a kind that is none.
absl::StatusOr<CallerHint> HintFromWire(const v1::HintRequest& message);
v1::HintResponse HintAnswerToWire(const HintAnswer& answer);

v1::MissReason MissReasonToWire(MissReason reason);
v1::LookupResponse LookupToWire(const LookupResult& result, uint32_t blocks);
// One entry for each tier that was measured.
void AddTierRates(const TierRates& rates, v1::LookupResponse* response);
v1::PutStatus PutOutcomeToWire(PutOutcome outcome);
// What AllocateForPut's answer means for the rest of a Put; nullopt if it is an error.
std::optional<PutOutcome> RefusalOf(const absl::Status& no_buffer);
// How a Get reports a block that could not be read.
FrameStatus FrameStatusOf(const absl::Status& status);

}  // namespace halflife
