#include "common/block/namespace_limits.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_split.h"
#include "common/block/rule_text.h"
#include "common/status.h"
#include "common/strings.h"
#include "common/units.h"

namespace halflife {
namespace {

using Rule = NamespaceLimitRule;

// Which bounds a rule has named.
struct NamedBounds {
  bool min = false;
  bool max = false;
};

const std::string* FieldOf(const NamespaceDescriptor& descriptor, std::string_view field) {
  if (field == "tenant") return &descriptor.tenant;
  if (field == "model") return &descriptor.model_name;
  if (field == "engine") return &descriptor.engine;
  if (field == "lora") return &descriptor.lora;
  if (field == "tag") return &descriptor.user_tag;
  return nullptr;
}

absl::Status ParseBound(std::string_view name, std::string_view value, uint64_t* bytes,
                        bool* named) {
  if (*named) return absl::InvalidArgumentError(StrCat("'", name, "' is there twice"));
  *named = true;
  HL_ASSIGN_OR_RETURN(*bytes, ParseBytes(value));
  return absl::OkStatus();
}

absl::Status ParsePart(std::string_view text, Rule& rule, NamedBounds& bounds) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError(StrCat("'", text, "' has no ="));
  }
  const std::string_view name = text.substr(0, equals), value = text.substr(equals + 1);
  if (name == "min_bytes") return ParseBound(name, value, &rule.min_bytes, &bounds.min);
  if (name == "max_bytes") return ParseBound(name, value, &rule.max_bytes, &bounds.max);
  if (FieldOf(NamespaceDescriptor(), name) == nullptr) {
    return absl::InvalidArgumentError(StrCat(
        "'", name, "' is unknown; known: tenant, model, engine, lora, tag, min_bytes, max_bytes"));
  }
  Rule::Condition condition{.field = std::string(name), .values = {}};
  for (const absl::string_view word : absl::StrSplit(ToAbsl(value), '|')) {
    condition.values.emplace_back(ToStd(word));
  }
  rule.conditions.push_back(std::move(condition));
  return absl::OkStatus();
}

absl::StatusOr<Rule> ParseRule(std::string_view text) {
  const auto wrong = [text](std::string_view what) {
    return absl::InvalidArgumentError(StrCat("namespace limit '", text, "': ", what));
  };
  const std::optional<RuleText> split = SplitRule(text);
  if (!split) return wrong("expected NAME: FIELD=VALUE min_bytes=BYTES");
  Rule rule;
  rule.name = std::string(split->name);
  if (!IsRuleName(rule.name)) {
    return wrong(StrCat("a name has letters, digits, _, - and ., 1 to ", kMaxRuleNameBytes));
  }
  NamedBounds bounds;
  for (const std::string_view word : split->words) {
    const absl::Status parsed = ParsePart(word, rule, bounds);
    if (!parsed.ok()) return wrong(ToStd(parsed.message()));
  }
  if (!bounds.min && !bounds.max) return wrong("neither min_bytes nor max_bytes");
  if (rule.min_bytes > rule.max_bytes) {
    return wrong(StrCat("min_bytes of ", ExactBytes(rule.min_bytes), " is above max_bytes of ",
                        ExactBytes(rule.max_bytes)));
  }
  return rule;
}

}  // namespace

bool NamespaceLimitRule::Takes(const NamespaceDescriptor& descriptor) const {
  return std::all_of(conditions.begin(), conditions.end(), [&](const Condition& condition) {
    const std::string& is = *FieldOf(descriptor, condition.field);
    return std::find(condition.values.begin(), condition.values.end(), is) !=
           condition.values.end();
  });
}

absl::StatusOr<std::vector<Rule>> ParseNamespaceLimits(std::string_view text) {
  std::vector<Rule> rules;
  for (const std::string_view part : RulesOf(text)) {
    HL_ASSIGN_OR_RETURN(Rule rule, ParseRule(part));
    for (const Rule& other : rules) {
      if (other.name != rule.name) continue;
      return absl::InvalidArgumentError(StrCat("namespace limit '", rule.name, "' is there twice"));
    }
    rules.push_back(std::move(rule));
  }
  if (rules.size() > kMaxNamespaceLimits) {
    return absl::InvalidArgumentError(
        StrCat(rules.size(), " namespace limits, at most ", kMaxNamespaceLimits));
  }
  return rules;
}

absl::Status CheckNamespaceFloors(const std::vector<Rule>& rules, uint64_t tier_bytes) {
  const uint64_t most_bytes = tier_bytes / 10 * 9;
  uint64_t floors_bytes = 0;
  for (const Rule& rule : rules) {
    // Each by itself first, so that no sum wraps.
    if (rule.min_bytes <= most_bytes && floors_bytes + rule.min_bytes <= most_bytes) {
      floors_bytes += rule.min_bytes;
      continue;
    }
    return absl::InvalidArgumentError(StrCat("with the min_bytes of namespace limit '", rule.name,
                                             "' the floors are more than nine tenths of ",
                                             ExactBytes(tier_bytes), " of DRAM"));
  }
  return absl::OkStatus();
}

}  // namespace halflife
