#include "storage/residency/policy_factory.h"

#include "common/strings.h"
#include "storage/residency/model/model_policy.h"
#include "storage/residency/model/wa_policy.h"
#include "storage/residency/recency_policy.h"

namespace halflife {

absl::StatusOr<ResidencyPolicyOptions> ParseResidencyPolicy(std::string_view name,
                                                            std::string_view objective) {
  ResidencyPolicyOptions options;
  if (name == "model") {
    options.kind = ResidencyPolicyOptions::Kind::kModel;
  } else if (name == "wa") {
    options.kind = ResidencyPolicyOptions::Kind::kWa;
  } else if (name == "lru") {
    options.kind = ResidencyPolicyOptions::Kind::kLru;
  } else {
    return absl::InvalidArgumentError(
        StrCat("policy is \"", name, "\", known are \"model\", \"wa\" and \"lru\""));
  }
  if (objective == "hits") {
    options.objective = RetentionObjective::kHits;
  } else if (objective == "time") {
    options.objective = RetentionObjective::kTime;
  } else {
    return absl::InvalidArgumentError(
        StrCat("objective is \"", objective, "\", known are \"hits\" and \"time\""));
  }
  return options;
}

std::unique_ptr<ResidencyPolicy> MakeResidencyPolicy(const ResidencyPolicyOptions& options) {
  switch (options.kind) {
    case ResidencyPolicyOptions::Kind::kModel:
      return std::make_unique<ModelPolicy>(
          ModelPolicy::Options{options.objective, options.duel, options.ssd_admission_margin});
    case ResidencyPolicyOptions::Kind::kWa:
      return std::make_unique<WaPolicy>();
    case ResidencyPolicyOptions::Kind::kLru:
      break;
  }
  return std::make_unique<RecencyPolicy>();
}

}  // namespace halflife
