#include "storage/block_store.h"

#include <algorithm>
#include <string_view>

#include "common/block/category_pins.h"
#include "common/block/namespace_limits.h"
#include "common/limits.h"
#include "common/status.h"
#include "storage/local_block_store.h"
#include "storage/residency/policy_factory.h"

namespace halflife {

std::string_view MissReasonName(MissReason reason) {
  switch (reason) {
    case MissReason::kNone:
      return "none";
    case MissReason::kNeverSeen:
      return "never_seen";
    case MissReason::kEvicted:
      return "evicted";
    case MissReason::kNotAdmitted:
      return "not_admitted";
    case MissReason::kExpired:
      return "expired";
    case MissReason::kCorrupt:
      return "corrupt";
    case MissReason::kWrongNamespace:
      return "wrong_namespace";
    case MissReason::kOverQuota:
      return "over_quota";
    case MissReason::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

absl::Status BlockStore::Options::Validate() const {
  if (!(free_target_ratio >= 0 && free_target_ratio <= 0.5)) {
    return absl::InvalidArgumentError(
        absl::StrCat("store: free_target_ratio is ", free_target_ratio, ", allowed are 0 to 0.5"));
  }
  if (put_room_wait < absl::ZeroDuration() || put_room_wait > kMaxDeadline) {
    return absl::InvalidArgumentError(
        absl::StrCat("store: put_room_wait is ", absl::FormatDuration(put_room_wait),
                     ", allowed are 0 to ", absl::FormatDuration(kMaxDeadline)));
  }
  if (step_interval < absl::Milliseconds(1) || step_interval > absl::Seconds(10)) {
    return absl::InvalidArgumentError(absl::StrCat("store: step_interval is ",
                                                   absl::FormatDuration(step_interval),
                                                   ", allowed are 1ms to 10s"));
  }
  if (max_block_bytes < kMinBlockBytes || max_block_bytes > kMaxBlockBytes) {
    return absl::InvalidArgumentError(absl::StrCat("store: max_block_bytes is ", max_block_bytes,
                                                   ", allowed are ", kMinBlockBytes, " to ",
                                                   kMaxBlockBytes));
  }
  HL_RETURN_IF_ERROR(ParseResidencyPolicy(policy, objective).status());
  HL_RETURN_IF_ERROR(ParseShadowPolicies(shadow_policies).status());
  HL_RETURN_IF_ERROR(ParseDaemonPinRules(category_pins).status());
  HL_RETURN_IF_ERROR(ParseNamespaceLimits(namespace_limits).status());
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<BlockStore>> BlockStore::Open(const Options& options,
                                                             const TenantSecret& secret,
                                                             Tiers tiers) {
  HL_RETURN_IF_ERROR(options.Validate());
  if (tiers.arena == nullptr) return absl::InvalidArgumentError("store: no DRAM arena");
  HL_RETURN_IF_ERROR(CheckNamespaceFloors(ParseNamespaceLimits(options.namespace_limits).value(),
                                          tiers.arena->stats().budget_bytes));
  auto store = std::make_unique<LocalBlockStore>(options, secret, std::move(tiers));
  store->Recover();
  if (options.own_thread) store->StartBackground();
  return store;
}

BlockAddress BlockStore::AddressOf(const ChainSlice& chain, uint32_t index, uint16_t part) const {
  BlockAddress address;
  address.identity = {chain.ns->id, chain.hashes[index], chain.group, part};
  address.key = chain.ns->keys.KeyOf(chain.hashes[index], chain.group, part);
  return address;
}

}  // namespace halflife
