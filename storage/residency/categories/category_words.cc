#include "storage/residency/categories/category_words.h"

#include <bit>
#include <climits>
#include <utility>

#include "common/strings.h"

namespace halflife {
namespace {

// More names than that are a count.
constexpr int kMaxNames = 4;

std::vector<int> LevelsIn(LevelSet set) {
  std::vector<int> levels;
  for (; set != 0; set &= set - 1) levels.push_back(std::countr_zero(set));
  return levels;
}

std::string NameOf(const AttributeDescription& attribute, int level) {
  const auto index = static_cast<size_t>(level);
  const bool has_name = index < attribute.levels.size() && !attribute.levels[index].empty();
  return has_name ? attribute.levels[index] : StrCat("level ", level);
}

// "5-8" and "9-16" are "5-16".
std::string Joined(const std::string& first, const std::string& last) {
  if (first == last) return first;
  const std::string low = first.substr(0, first.find_first_of("-+"));
  if (last.ends_with('+')) return low + "+";
  return StrCat(low, "-",
                last.substr(last.find('-') == std::string::npos ? 0 : last.find('-') + 1));
}

// At most `max_names` of them.
std::string ListOf(const AttributeDescription& attribute, LevelSet set,
                   std::string_view between = " or ", int max_names = kMaxNames) {
  std::string text;
  const auto append = [&](const std::string& name) {
    if (!text.empty()) text += between;
    text += name;
  };
  const std::vector<int> levels = LevelsIn(set);
  if (attribute.is_ordered) {
    for (size_t i = 0; i < levels.size(); ++i) {
      size_t last = i;
      while (levels[i] > 0 && last + 1 < levels.size() && levels[last + 1] == levels[last] + 1) {
        ++last;
      }
      append(Joined(NameOf(attribute, levels[i]), NameOf(attribute, levels[last])));
      i = last;
    }
    return text;
  }
  const int count = static_cast<int>(levels.size());
  const int named = count > max_names ? max_names - 1 : count;
  for (int i = 0; i < named; ++i) append(NameOf(attribute, levels[i]));
  if (named < count) append(StrCat(count - named, " more"));
  return text;
}

}  // namespace

LevelRule LevelsSeen(absl::Span<const ObservationTable* const> tables) {
  LevelRule seen{};
  for (const ObservationTable* table : tables) {
    for (size_t i = 0; i < table->request_count(); ++i) {
      for (int a = 0; a < kMaxAttributes; ++a) seen[a] |= SetOf(table->levels(i)[a]);
    }
  }
  return seen;
}

std::string QuestionInWords(int attribute, LevelSet left,
                            absl::Span<const AttributeDescription> attributes,
                            const LevelRule& seen) {
  const AttributeDescription& description = attributes[attribute];
  const LevelSet inside = left & seen[attribute];
  const LevelSet outside = ~left & seen[attribute];
  // "unknown" is a word among others only where something else is said too.
  if (!description.is_ordered && outside != 0 &&
      (inside == 0 || std::popcount(outside) < std::popcount(inside))) {
    return StrCat(description.name, " not ", ListOf(description, outside));
  }
  return StrCat(description.name, " ", ListOf(description, inside));
}

std::string RuleInWords(const LevelRule& rule, absl::Span<const AttributeDescription> attributes,
                        const LevelRule& seen) {
  std::string text;
  for (size_t a = 0; a < attributes.size(); ++a) {
    if ((seen[a] & ~rule[a]) == 0) continue;
    if (!text.empty()) text += ", ";
    text += QuestionInWords(static_cast<int>(a), rule[a], attributes, seen);
  }
  return text.empty() ? "all" : text;
}

std::vector<LevelRule> Simplified(std::vector<LevelRule> rules) {
  for (size_t i = 0; i < rules.size(); ++i) {
    for (size_t j = i + 1; j < rules.size(); ++j) {
      int differing = 0, attribute = 0;
      for (int a = 0; a < kMaxAttributes; ++a) {
        if (rules[i][a] == rules[j][a]) continue;
        ++differing;
        attribute = a;
      }
      if (differing > 1) continue;
      rules[i][attribute] |= rules[j][attribute];
      rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(j));
      return Simplified(std::move(rules));
    }
  }
  return rules;
}

std::string CategoryInWords(const CategoryTree& tree, int category,
                            absl::Span<const AttributeDescription> attributes,
                            const LevelRule& seen) {
  std::string text;
  if (static_cast<size_t>(category) < tree.pins().size()) {
    text = StrCat("pin ", tree.pins()[category].name, ":");
  }
  for (const LevelRule& rule : Simplified(tree.RulesOf(category))) {
    if (!text.empty()) text += text.ends_with(':') ? " " : "; or ";
    text += RuleInWords(rule, attributes, seen);
  }
  return text;
}

std::string LevelsAsPinValues(const AttributeDescription& attribute, LevelSet levels) {
  return ListOf(attribute, levels, "|", INT_MAX);
}

}  // namespace halflife
