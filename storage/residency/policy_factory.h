#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "storage/namespace_ledger.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

struct ResidencyPolicyOptions {
  enum class Kind : uint8_t {
    kModel,  // what the reuse model expects to save most
    kWa,     // the policy of arXiv 2506.02634
    kLru,    // recency
  };
  Kind kind = Kind::kModel;
  // Of kModel:
  RetentionObjective objective = RetentionObjective::kHits;
  bool duel = true;  // follow recency where that hits more
  // A block that leaves DRAM is written if its index is at least this many times that of the block
  // which it pushes off a full SSD tier. Against 1, 1.5 saves 21 % of the writes of the Mooncake
  // conversation trace at 5 % for 0.6 points of hit ratio, and 2 saves 33 % for 0.8; at 10 % they
  // save 6 and 12 % for none.
  double ssd_admission_margin = 1.5;
  double refit_period_s = 30;
  // Of kWa: over how much of the future it sums.
  double wa_life_s = 60;
  // Writes to SSD are scarcer than its room: a block that is in DRAM keeps its copy there.
  bool keep_ssd_copies = false;
  // Limits of namespaces; borrowed, null without any.
  const NamespaceLedger* ledger = nullptr;
};

// Of "model", "wa" or "lru", and "hits" or "time".
// Returns: kInvalidArgument naming those that are known.
absl::StatusOr<ResidencyPolicyOptions> ParseResidencyPolicy(std::string_view name,
                                                            std::string_view objective);

// A candidate that runs beside the live policy (ShadowedPolicy).
struct ShadowPolicyOptions {
  std::string name;  // as it was written
  ResidencyPolicyOptions policy;
};
// At a time: each takes memory and time.
inline constexpr size_t kMaxShadowPolicies = 4;

// Of a list separated by commas, of NAME[:OPTION=VALUE]...: a policy, and objective=hits|time,
// duel=on|off and refit=SECONDS of "model", life=SECONDS of "wa". Empty: none.
// Returns: kInvalidArgument naming what is not known, out of its bounds or too many.
absl::StatusOr<std::vector<ShadowPolicyOptions>> ParseShadowPolicies(std::string_view list);

std::unique_ptr<ResidencyPolicy> MakeResidencyPolicy(
    const ResidencyPolicyOptions& options, absl::Span<const ShadowPolicyOptions> shadows = {});

}  // namespace halflife
