#include "tools/analyze/category_pins_file.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include "common/block/category_pins.h"
#include "common/strings.h"
#include "storage/residency/categories/category_words.h"
#include "storage/residency/model/reuse_summary.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

constexpr std::string_view kUnsayable = " ;\"\\";

// " turn=3-8 stop=tool_use"; nullopt if a value cannot be said.
std::optional<std::string> ConditionsOf(const LevelRule& rule, const CategoryStudy& study) {
  std::string text;
  for (size_t a = 0; a < study.attributes.size(); ++a) {
    const LevelSet inside = rule[a] & study.seen[a];
    if (inside == study.seen[a]) continue;
    const AttributeDescription& attribute = study.attributes[a];
    if (!attribute.is_ordered && Contains(inside, LevelDictionary::kOther)) return std::nullopt;
    const std::string values = LevelsAsPinValues(attribute, inside);
    if (values.empty() || values.find_first_of(kUnsayable) != std::string::npos) return {};
    text += StrCat(" ", attribute.name, "=", values);
  }
  return text;
}

// "c3: turn=1; c3: turn=2 stop=tool_use"; nullopt as above, or if it is everything.
std::optional<std::string> PinsOf(size_t category, const CategoryStudy& study) {
  const CategoryTree& tree = study.grown.tree;
  const std::string name =
      category < tree.pins().size() ? tree.pins()[category].name : StrCat("c", category);
  std::string text;
  for (const LevelRule& rule : Simplified(tree.RulesOf(static_cast<int>(category)))) {
    const std::optional<std::string> conditions = ConditionsOf(rule, study);
    if (!conditions || conditions->empty()) return std::nullopt;
    text += StrCat(text.empty() ? "" : "; ", name, ":", *conditions);
  }
  return text;
}

// "# c3: 1,517 requests, 44.0 % used again, half of them within 2.5 min".
std::string Described(const CategoryStudy& study, size_t category, std::string_view pin) {
  const ReuseSummary summary =
      SummariseReuse(study.categories[category].intervals, study.duration_s);
  return StrCat("# ", pin.substr(0, pin.find(':')), ": ",
                HumanText(Cell::Count(study.categories[category].requests)), " requests, ",
                HumanText(Cell::Ratio(summary.reuse_probability)),
                " used again, half of them within ", HumanText(Cell::Seconds(summary.half_life_s)),
                "\n");
}

}  // namespace

std::string PinsAsConfig(const CategoryStudy& study) {
  std::vector<size_t> by_requests(study.categories.size());
  std::iota(by_requests.begin(), by_requests.end(), size_t{0});
  const size_t pinned = study.grown.tree.pins().size();
  // What the operator has pinned stays in front: it goes first.
  std::stable_sort(by_requests.begin() + static_cast<std::ptrdiff_t>(pinned), by_requests.end(),
                   [&study](size_t a, size_t b) {
                     return study.categories[a].requests > study.categories[b].requests;
                   });
  std::string pins, comments;
  size_t names = 0;
  for (const size_t category : by_requests) {
    std::optional<std::string> text = PinsOf(category, study);
    if (!text || names == kMaxPinnedCategories) {
      comments += StrCat("# not pinned: ", study.categories[category].rule, "\n");
      continue;
    }
    ++names;
    comments += Described(study, category, *text);
    pins += StrCat(pins.empty() ? "" : "; ", *text);
  }
  return StrCat(comments, "storage:\n  category_pins: \"", pins, "\"\n");
}

}  // namespace halflife::tools
