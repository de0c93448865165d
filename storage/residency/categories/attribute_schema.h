#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "common/block/category_pins.h"
#include "storage/residency/categories/category_tree.h"
#include "storage/residency/categories/chain_lineage.h"
#include "storage/residency/categories/level_dictionary.h"
#include "storage/residency/categories/request_levels.h"

namespace halflife {

// What a caller, or lineage in its place, says of a request. Empty or 0: not known.
struct RequestDescription {
  std::string_view type;  // or app
  uint32_t turn = 0;
  std::string_view stop_reason;  // of the previous response
  RequestRole role = RequestRole::kUnknown;
  bool is_sub_agent = false;  // false: not, or not known
  uint64_t blocks = 0;
  std::string_view first_block;  // its id: requests with one template begin alike
  std::string_view lora;
  std::string_view tenant;
  absl::Span<const std::pair<std::string, std::string>> labels;
};

// Turns descriptions of requests into levels. It learns values as they come, and numbers them for
// good, so that a tree that was grown stays right. Bounded as LevelDictionary is, times
// kMaxAttributes; labels beyond the first kMaxLabels keys are not looked at. Not thread-safe.
class AttributeSchema {
 public:
  enum Attribute {
    kType,
    kSubAgent,
    kTurn,
    kStop,
    kRole,
    kBlocks,
    kTemplate,
    kLora,
    kTenant,
    kFirstLabel
  };
  static constexpr int kMaxLabels = kMaxAttributes - kFirstLabel;
  // A first block that so many requests have in common is a template; others are "other". As many
  // templates as the smallest category could tell apart would be noise.
  static constexpr uint32_t kTemplateRequests = 32;

  AttributeSchema();

  RequestLevels LevelsOf(const RequestDescription& request);

  // By attribute; label attributes as far as there are any.
  std::vector<AttributeDescription> Describe() const;

  // Pins as an operator writes them (common/block/category_pins.h). Returns: kInvalidArgument
  // naming the part that is wrong; of ranges also if they cut a bucket.
  absl::StatusOr<std::vector<CategoryPin>> ParsePins(std::string_view text);

 private:
  absl::StatusOr<LevelRule> RuleOf(const PinRule& pin);
  absl::StatusOr<int> AttributeNamed(std::string_view name);
  absl::StatusOr<LevelSet> LevelsNamed(int attribute, std::string_view value);
  int LabelOf(std::string_view key);  // attribute; kMaxAttributes if there are too many

  std::vector<LevelDictionary> dictionaries_;  // by attribute; not used by ordered ones
  std::vector<std::string> labels_;            // keys
};

}  // namespace halflife
