#pragma once

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
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
  // which it pushes off a full SSD tier. Against 1, 1.5 saves 24 % of the writes of the Mooncake
  // conversation trace at 5 % for 0.2 points of hit ratio, and 2 saves 39 % for 0.7.
  double ssd_admission_margin = 1.5;
};

// Of "model", "wa" or "lru", and "hits" or "time".
// Returns: kInvalidArgument naming those that are known.
absl::StatusOr<ResidencyPolicyOptions> ParseResidencyPolicy(std::string_view name,
                                                            std::string_view objective);

std::unique_ptr<ResidencyPolicy> MakeResidencyPolicy(const ResidencyPolicyOptions& options);

}  // namespace halflife
