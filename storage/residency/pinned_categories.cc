#include "storage/residency/pinned_categories.h"

#include <algorithm>

#include "common/status.h"

namespace halflife {
namespace {

// What the request says of the attribute; empty: nothing.
std::string_view ValueOf(std::string_view attribute, const RequestAttributes& attributes,
                         const NamespaceDescriptor* ns) {
  if (attribute == "type") return attributes.app;
  if (attribute == "stop") return attributes.stop_reason;
  if (attribute == "tenant") return ns == nullptr ? std::string_view() : ns->tenant;
  if (attribute == "lora") return ns == nullptr ? std::string_view() : ns->lora;
  const std::string_view key = attribute.substr(kPinLabelPrefix.size());
  for (const auto& [label, value] : attributes.labels) {
    if (label == key) return value;
  }
  return {};
}

}  // namespace

absl::StatusOr<PinnedCategories> PinnedCategories::Parse(std::string_view text) {
  HL_ASSIGN_OR_RETURN(std::vector<PinRule> parsed, ParseDaemonPinRules(text));
  PinnedCategories pinned;
  for (PinRule& pin : parsed) {
    const auto known = std::find(pinned.names_.begin(), pinned.names_.end(), pin.name);
    Rule rule;
    rule.category = static_cast<int>(known - pinned.names_.begin());
    if (known == pinned.names_.end()) pinned.names_.push_back(pin.name);
    for (PinCondition& condition : pin.conditions) {
      if (condition.attribute != "turn") {
        rule.conditions.push_back(std::move(condition));
        continue;
      }
      for (const std::string& value : condition.values) {
        HL_ASSIGN_OR_RETURN(const NumberRange range, ParseNumberRange(value));
        rule.turns.push_back(range);
      }
    }
    pinned.rules_.push_back(std::move(rule));
  }
  return pinned;
}

bool PinnedCategories::Matches(const Rule& rule, const RequestAttributes& attributes,
                               const NamespaceDescriptor* ns) {
  const auto holds = [&](const PinCondition& condition) {
    const std::string_view said = ValueOf(condition.attribute, attributes, ns);
    return std::any_of(condition.values.begin(), condition.values.end(),
                       [said](const std::string& value) {
                         return said.empty() ? value == "unknown" : value == said;
                       });
  };
  const bool turn_holds =
      rule.turns.empty() ||
      std::any_of(rule.turns.begin(), rule.turns.end(), [&](const NumberRange& range) {
        return range.low <= attributes.turn && attributes.turn <= range.high;
      });
  return turn_holds && std::all_of(rule.conditions.begin(), rule.conditions.end(), holds);
}

int PinnedCategories::Find(const RequestAttributes& attributes,
                           const NamespaceDescriptor* ns) const {
  for (const Rule& rule : rules_) {
    if (Matches(rule, attributes, ns)) return rule.category;
  }
  return -1;
}

}  // namespace halflife
