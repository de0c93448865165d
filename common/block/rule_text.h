#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace halflife {

// What settings that are lists of named rules have in common, whatever the words of a rule say:
//
//   rules = [ rule *( ";" rule ) ]
//   rule  = name ":" *( " " word )
inline constexpr size_t kMaxRuleNameBytes = 32;

// Without white space at its ends.
std::string_view Stripped(std::string_view text);

// Letters, digits, "_", "-" and "."; not empty, at most kMaxRuleNameBytes: it becomes a label of
// metrics and stands beside names such as "chat/1".
bool IsRuleName(std::string_view name);

// Stripped; none if there is nothing but white space. An empty one between others is one of them.
std::vector<std::string_view> RulesOf(std::string_view text);

struct RuleText {
  std::string_view name;
  std::vector<std::string_view> words;
};
// nullopt without a colon.
std::optional<RuleText> SplitRule(std::string_view rule);

}  // namespace halflife
