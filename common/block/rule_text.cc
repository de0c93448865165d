#include "common/block/rule_text.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"
#include "common/strings.h"

namespace halflife {

std::string_view Stripped(std::string_view text) {
  return ToStd(absl::StripAsciiWhitespace(ToAbsl(text)));
}

bool IsRuleName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxRuleNameBytes &&
         std::all_of(name.begin(), name.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-' || c == '.';
         });
}

std::vector<std::string_view> RulesOf(std::string_view text) {
  std::vector<std::string_view> rules;
  if (Stripped(text).empty()) return rules;
  for (const absl::string_view rule : absl::StrSplit(ToAbsl(text), ';')) {
    rules.push_back(Stripped(ToStd(rule)));
  }
  return rules;
}

std::optional<RuleText> SplitRule(std::string_view rule) {
  const size_t colon = rule.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  RuleText split{.name = Stripped(rule.substr(0, colon)), .words = {}};
  for (const absl::string_view word :
       absl::StrSplit(ToAbsl(rule.substr(colon + 1)), ' ', absl::SkipWhitespace())) {
    split.words.push_back(Stripped(ToStd(word)));
  }
  return split;
}

}  // namespace halflife
