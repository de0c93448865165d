#include "common/block/category_pins.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "common/block/rule_text.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr std::array<std::string_view, 9> kAttributes = {
    "type", "sub_agent", "turn", "stop", "role", "blocks", "template", "lora", "tenant"};
constexpr std::array<std::string_view, 5> kDaemonAttributes = {"type", "turn", "stop", "lora",
                                                               "tenant"};

template <size_t n>
bool IsOneOf(std::string_view word, const std::array<std::string_view, n>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool IsLabel(std::string_view attribute) {
  return attribute.starts_with(kPinLabelPrefix) && attribute.size() > kPinLabelPrefix.size();
}

bool IsNumber(std::string_view attribute) { return attribute == "turn" || attribute == "blocks"; }

absl::StatusOr<PinCondition> ParseCondition(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) {
    return absl::InvalidArgumentError(StrCat("'", text, "' has no ="));
  }
  PinCondition condition;
  condition.attribute = std::string(text.substr(0, equals));
  if (!IsOneOf(condition.attribute, kAttributes) && !IsLabel(condition.attribute)) {
    return absl::InvalidArgumentError(
        StrCat("'", condition.attribute,
               "' is no attribute; known: type, sub_agent, turn, stop, role, blocks, template, "
               "lora, tenant, label.KEY"));
  }
  for (const absl::string_view word : absl::StrSplit(ToAbsl(text.substr(equals + 1)), '|')) {
    const std::string_view value = ToStd(word);
    if (value.empty()) return absl::InvalidArgumentError("an empty value");
    if (IsNumber(condition.attribute)) HL_RETURN_IF_ERROR(ParseNumberRange(value).status());
    condition.values.emplace_back(value);
  }
  return condition;
}

}  // namespace

absl::StatusOr<NumberRange> ParseNumberRange(std::string_view text) {
  if (text == "unknown") return NumberRange{};
  const size_t dash = text.find('-');
  const bool is_open = text.ends_with('+');
  const std::string_view low = is_open ? text.substr(0, text.size() - 1) : text.substr(0, dash);
  NumberRange range;
  const bool has_low = absl::SimpleAtoi(ToAbsl(low), &range.low);
  range.high = is_open ? UINT64_MAX : range.low;
  const bool has_high = is_open || dash == std::string_view::npos ||
                        absl::SimpleAtoi(ToAbsl(text.substr(dash + 1)), &range.high);
  if (has_low && has_high && range.low > 0 && range.low <= range.high) return range;
  return absl::InvalidArgumentError(StrCat("'", text, "' is not a number, 3-8 or 9+"));
}

absl::StatusOr<PinRule> ParsePinRule(std::string_view text) {
  const auto wrong = [text](std::string_view what) {
    return absl::InvalidArgumentError(StrCat("category pin '", text, "': ", what));
  };
  const std::optional<RuleText> split = SplitRule(text);
  if (!split) return wrong("expected NAME: ATTRIBUTE=VALUE …");
  PinRule rule;
  rule.name = std::string(split->name);
  if (rule.name.empty()) return wrong("no name");
  if (!IsRuleName(rule.name)) {
    return wrong(StrCat("a name has letters, digits, _, - and ., at most ", kMaxRuleNameBytes));
  }
  for (const std::string_view word : split->words) {
    absl::StatusOr<PinCondition> condition = ParseCondition(word);
    if (!condition.ok()) return wrong(ToStd(condition.status().message()));
    rule.conditions.push_back(*std::move(condition));
  }
  if (rule.conditions.empty()) return wrong("no condition");
  return rule;
}

absl::StatusOr<std::vector<PinRule>> ParsePinRules(std::string_view text) {
  std::vector<PinRule> rules;
  std::set<std::string> names;
  for (const std::string_view part : RulesOf(text)) {
    HL_ASSIGN_OR_RETURN(PinRule rule, ParsePinRule(part));
    names.insert(rule.name);
    rules.push_back(std::move(rule));
  }
  if (rules.size() > kMaxPinRules || names.size() > kMaxPinnedCategories) {
    return absl::InvalidArgumentError(StrCat(rules.size(), " category pins of ", names.size(),
                                             " names; at most ", kMaxPinRules, " of ",
                                             kMaxPinnedCategories));
  }
  return rules;
}

absl::StatusOr<std::vector<PinRule>> ParseDaemonPinRules(std::string_view text) {
  HL_ASSIGN_OR_RETURN(std::vector<PinRule> rules, ParsePinRules(text));
  for (const PinRule& rule : rules) {
    for (const PinCondition& condition : rule.conditions) {
      if (IsOneOf(condition.attribute, kDaemonAttributes) || IsLabel(condition.attribute)) continue;
      return absl::InvalidArgumentError(
          StrCat("category pin '", rule.name, "': '", condition.attribute,
                 "' is not said with every call; use type, turn, stop, lora, tenant, label.KEY"));
    }
  }
  return rules;
}

}  // namespace halflife
