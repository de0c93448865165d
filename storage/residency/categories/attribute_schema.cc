#include "storage/residency/categories/attribute_schema.h"

#include <algorithm>
#include <bit>
#include <iterator>

#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

constexpr const char* kNames[] = {"type",   "sub_agent", "turn", "stop",  "role",
                                  "blocks", "template",  "lora", "tenant"};
static_assert(std::size(kNames) == AttributeSchema::kFirstLabel);
constexpr const char* kRoles[] = {"unknown", "new", "shares", "continues"};

// Turns 1, 2, 3-4, 5-8, … 65+: reuse changes with the order of magnitude of the turn (p = .32, .38,
// .47, .61, .85 in turns 1, 2, 3-4, 5-8 and 9+ of the Mooncake chat trace).
constexpr int kTurnLevels = 9;
int TurnLevel(uint64_t turn) {
  return turn <= 1 ? static_cast<int>(turn)
                   : std::min(static_cast<int>(std::bit_width(turn - 1)) + 1, kTurnLevels - 1);
}
// Blocks 1, 2-3, 4-7, … 131,072+ (2^17).
constexpr int kBlockLevels = 19;
int BlockLevel(uint64_t blocks) {
  return std::min(static_cast<int>(std::bit_width(blocks)), kBlockLevels - 1);
}

bool IsOrdered(int attribute) {
  return attribute == AttributeSchema::kTurn || attribute == AttributeSchema::kBlocks;
}

// What the levels of an ordered attribute stand for; without level 0.
std::vector<NumberRange> RangesOf(int attribute) {
  const bool is_turn = attribute == AttributeSchema::kTurn;
  const int levels = is_turn ? kTurnLevels : kBlockLevels;
  std::vector<NumberRange> ranges;
  for (uint64_t low = 1; static_cast<int>(ranges.size()) + 1 < levels;) {
    const uint64_t high = !is_turn ? 2 * low - 1 : low <= 2 ? low : 2 * (low - 1);
    const bool is_last = static_cast<int>(ranges.size()) + 2 == levels;
    ranges.push_back({low, is_last ? UINT64_MAX : high});
    low = high + 1;
  }
  return ranges;
}

std::vector<std::string> OrderedNames(int attribute) {
  std::vector<std::string> names = {"unknown"};
  for (const NumberRange& range : RangesOf(attribute)) {
    names.push_back(range.high == UINT64_MAX  ? StrCat(range.low, "+")
                    : range.high == range.low ? StrCat(range.low)
                                              : StrCat(range.low, "-", range.high));
  }
  return names;
}

absl::StatusOr<LevelSet> OrderedLevels(int attribute, std::string_view text) {
  HL_ASSIGN_OR_RETURN(const NumberRange wanted, ParseNumberRange(text));
  const std::vector<NumberRange> ranges = RangesOf(attribute);
  LevelSet set = 0;
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].high < wanted.low || ranges[i].low > wanted.high) continue;
    if (ranges[i].low < wanted.low || ranges[i].high > wanted.high) {
      return absl::InvalidArgumentError(StrCat("'", text, "' cuts ", kNames[attribute], " ",
                                               OrderedNames(attribute)[i + 1],
                                               ", which is counted as one"));
    }
    set |= SetOf(static_cast<int>(i) + 1);
  }
  return set;
}

}  // namespace

AttributeSchema::AttributeSchema() {
  for (int a = 0; a < kMaxAttributes; ++a) {
    dictionaries_.emplace_back(a == kTemplate ? kTemplateRequests : 1);
  }
  for (const char* role : {"new", "shares", "continues"}) dictionaries_[kRole].Admit(role);
  for (const char* answer : {"no", "yes"}) dictionaries_[kSubAgent].Admit(answer);
}

RequestLevels AttributeSchema::LevelsOf(const RequestDescription& request) {
  RequestLevels levels{};
  const auto set = [&levels](int attribute, int level) {
    levels[attribute] = static_cast<uint8_t>(level);
  };
  set(kType, dictionaries_[kType].LevelOf(request.type));
  set(kSubAgent, dictionaries_[kSubAgent].LevelOf(request.is_sub_agent ? "yes" : "no"));
  set(kTurn, TurnLevel(request.turn));
  set(kStop, dictionaries_[kStop].LevelOf(request.stop_reason));
  if (request.role != RequestRole::kUnknown) {
    set(kRole, dictionaries_[kRole].LevelOf(kRoles[static_cast<int>(request.role)]));
  }
  set(kBlocks, BlockLevel(request.blocks));
  set(kTemplate, dictionaries_[kTemplate].LevelOf(request.first_block));
  set(kLora, dictionaries_[kLora].LevelOf(request.lora));
  set(kTenant, dictionaries_[kTenant].LevelOf(request.tenant));
  for (const auto& [key, value] : request.labels) {
    const int attribute = LabelOf(key);
    if (attribute < kMaxAttributes) set(attribute, dictionaries_[attribute].LevelOf(value));
  }
  return levels;
}

int AttributeSchema::LabelOf(std::string_view key) {
  const auto known = std::find(labels_.begin(), labels_.end(), key);
  if (known == labels_.end()) {
    if (labels_.size() == kMaxLabels) return kMaxAttributes;
    labels_.emplace_back(key);
    return kFirstLabel + static_cast<int>(labels_.size()) - 1;
  }
  return kFirstLabel + static_cast<int>(known - labels_.begin());
}

std::vector<AttributeDescription> AttributeSchema::Describe() const {
  std::vector<AttributeDescription> descriptions;
  for (int a = 0; a < kFirstLabel + static_cast<int>(labels_.size()); ++a) {
    const std::string name =
        a < kFirstLabel ? kNames[a] : StrCat(kPinLabelPrefix, labels_[a - kFirstLabel]);
    descriptions.push_back(
        {name, IsOrdered(a), IsOrdered(a) ? OrderedNames(a) : dictionaries_[a].names()});
  }
  return descriptions;
}

absl::StatusOr<int> AttributeSchema::AttributeNamed(std::string_view name) {
  if (name.starts_with(kPinLabelPrefix)) {
    const int attribute = LabelOf(name.substr(kPinLabelPrefix.size()));
    if (attribute < kMaxAttributes) return attribute;
    return absl::InvalidArgumentError(
        StrCat("'", name, "': more than ", kMaxLabels, " different labels"));
  }
  for (int a = 0; a < kFirstLabel; ++a) {
    if (name == kNames[a]) return a;
  }
  return absl::InvalidArgumentError(
      StrCat("'", name,
             "' is no attribute; known: type, sub_agent, turn, stop, role, blocks, "
             "template, lora, tenant, label.KEY"));
}

absl::StatusOr<LevelSet> AttributeSchema::LevelsNamed(int attribute, std::string_view value) {
  if (value.empty()) return absl::InvalidArgumentError("an empty value");
  if (value == "unknown") return SetOf(0);
  if (IsOrdered(attribute)) return OrderedLevels(attribute, value);
  const int level = dictionaries_[attribute].Admit(value);
  if (level != LevelDictionary::kOther) return SetOf(level);
  return absl::InvalidArgumentError(StrCat("'", value, "': too many values"));
}

absl::StatusOr<LevelRule> AttributeSchema::RuleOf(const PinRule& pin) {
  const auto wrong = [&pin](const absl::Status& why) {
    return absl::InvalidArgumentError(
        StrCat("category pin '", pin.name, "': ", ToStd(why.message())));
  };
  LevelRule rule = AnyLevels();
  for (const PinCondition& condition : pin.conditions) {
    const auto attribute = AttributeNamed(condition.attribute);
    if (!attribute.ok()) return wrong(attribute.status());
    LevelSet set = 0;
    for (const std::string& value : condition.values) {
      const auto levels = LevelsNamed(*attribute, value);
      if (!levels.ok()) return wrong(levels.status());
      set |= *levels;
    }
    rule[*attribute] &= set;
  }
  return rule;
}

absl::StatusOr<std::vector<CategoryPin>> AttributeSchema::ParsePins(std::string_view text) {
  HL_ASSIGN_OR_RETURN(const std::vector<PinRule> parsed, ParsePinRules(text));
  std::vector<CategoryPin> pins;
  for (const PinRule& pin : parsed) {
    HL_ASSIGN_OR_RETURN(const LevelRule rule, RuleOf(pin));
    auto known = std::find_if(pins.begin(), pins.end(),
                              [&pin](const CategoryPin& other) { return other.name == pin.name; });
    if (known == pins.end()) known = pins.insert(known, CategoryPin{pin.name, {}});
    known->rules.push_back(rule);
  }
  return pins;
}

}  // namespace halflife
