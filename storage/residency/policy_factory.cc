#include "storage/residency/policy_factory.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "storage/residency/model/model_policy.h"
#include "storage/residency/model/shadowed_policy.h"
#include "storage/residency/model/wa_policy.h"
#include "storage/residency/recency_policy.h"

namespace halflife {
namespace {

// Four for each block that a shadow holds at most.
constexpr size_t kShadowGhosts = 4 * ShadowedPolicy::kSampleBlocks;
// A fit costs milliseconds; an hour is how fast it forgets.
constexpr double kMinRefitS = 1, kMaxRefitS = 3600;
constexpr double kMinLifeS = 0.001, kMaxLifeS = 86'400;

absl::Status ParseSeconds(absl::string_view option, absl::string_view text, double least,
                          double most, double* seconds) {
  if (absl::SimpleAtod(text, seconds) && *seconds >= least && *seconds <= most) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat("shadow policy: ", option, " is \"", text,
                                                 "\", allowed are ", least, " to ", most,
                                                 " seconds"));
}

absl::StatusOr<RetentionObjective> ParseObjective(std::string_view objective) {
  if (objective == "hits") return RetentionObjective::kHits;
  if (objective == "time") return RetentionObjective::kTime;
  return absl::InvalidArgumentError(
      StrCat("objective is \"", objective, "\", known are \"hits\" and \"time\""));
}

// "objective=time".
absl::Status ParseOption(absl::string_view word, ResidencyPolicyOptions* options) {
  using Kind = ResidencyPolicyOptions::Kind;
  const std::pair<absl::string_view, absl::string_view> option =
      absl::StrSplit(word, absl::MaxSplits('=', 1));
  const auto [name, value] = option;
  if (options->kind == Kind::kModel && name == "objective") {
    HL_ASSIGN_OR_RETURN(options->objective, ParseObjective(ToStd(value)));
    return absl::OkStatus();
  }
  if (options->kind == Kind::kModel && name == "duel" && (value == "on" || value == "off")) {
    options->duel = value == "on";
    return absl::OkStatus();
  }
  if (options->kind == Kind::kModel && name == "refit") {
    return ParseSeconds(name, value, kMinRefitS, kMaxRefitS, &options->refit_period_s);
  }
  if (options->kind == Kind::kWa && name == "life") {
    return ParseSeconds(name, value, kMinLifeS, kMaxLifeS, &options->wa_life_s);
  }
  return absl::InvalidArgumentError(
      absl::StrCat("shadow policy: option \"", word,
                   "\", known are objective=hits|time, duel=on|off and refit=SECONDS of \"model\" "
                   "and life=SECONDS of \"wa\""));
}

std::unique_ptr<ResidencyPolicy> Make(const ResidencyPolicyOptions& options, size_t min_ghosts) {
  switch (options.kind) {
    case ResidencyPolicyOptions::Kind::kModel:
      return std::make_unique<ModelPolicy>(
          ModelPolicy::Options{.objective = options.objective,
                               .duel = options.duel,
                               .ssd_admission_margin = options.ssd_admission_margin,
                               .refit_period_s = options.refit_period_s,
                               .min_ghosts = min_ghosts,
                               .keep_ssd_copies = options.keep_ssd_copies,
                               .ledger = options.ledger});
    case ResidencyPolicyOptions::Kind::kWa:
      return std::make_unique<WaPolicy>(WaPolicy::Options{
          .life_s = options.wa_life_s, .min_ghosts = min_ghosts, .ledger = options.ledger});
    case ResidencyPolicyOptions::Kind::kLru:
      break;
  }
  return std::make_unique<RecencyPolicy>(options.ledger);
}

}  // namespace

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
  HL_ASSIGN_OR_RETURN(options.objective, ParseObjective(objective));
  return options;
}

absl::StatusOr<std::vector<ShadowPolicyOptions>> ParseShadowPolicies(std::string_view list) {
  std::vector<ShadowPolicyOptions> shadows;
  for (absl::string_view item : absl::StrSplit(ToAbsl(list), ',', absl::SkipWhitespace())) {
    item = absl::StripAsciiWhitespace(item);
    const std::vector<absl::string_view> words = absl::StrSplit(item, ':');
    ShadowPolicyOptions shadow;
    shadow.name = std::string(item);
    HL_ASSIGN_OR_RETURN(shadow.policy, ParseResidencyPolicy(ToStd(words[0]), "hits"));
    for (size_t i = 1; i < words.size(); ++i) {
      HL_RETURN_IF_ERROR(ParseOption(words[i], &shadow.policy));
    }
    shadows.push_back(std::move(shadow));
  }
  if (shadows.size() > kMaxShadowPolicies) {
    return absl::InvalidArgumentError(
        absl::StrCat(shadows.size(), " shadow policies, at most ", kMaxShadowPolicies));
  }
  return shadows;
}

std::unique_ptr<ResidencyPolicy> MakeResidencyPolicy(
    const ResidencyPolicyOptions& options, absl::Span<const ShadowPolicyOptions> shadows) {
  std::unique_ptr<ResidencyPolicy> live = Make(options, TrackedChains::kMinGhosts);
  if (shadows.empty()) return live;
  std::vector<ShadowedPolicy::Candidate> candidates;
  for (const ShadowPolicyOptions& shadow : shadows) {
    candidates.push_back({shadow.name, Make(shadow.policy, kShadowGhosts)});
  }
  return std::make_unique<ShadowedPolicy>(std::move(live), std::move(candidates));
}

}  // namespace halflife
