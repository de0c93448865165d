#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace halflife {

// A category that an operator wants, in the one form in which the configuration file, `halflife
// analyze --pin` and `--write-pins` say it:
//
//   pins      = [ pin *( ";" pin ) ]
//   pin       = name ":" condition *( " " condition )        ; all of them must hold
//   condition = attribute "=" value *( "|" value )           ; any of them
//   attribute = "type" / "sub_agent" / "turn" / "stop" / "role" / "blocks" / "template" / "lora" /
//               "tenant" / "label." key
//   value     = "unknown" / 1*VCHAR, of turn and blocks a number, "3-8" or "9+"
//
// as in "vip: tenant=acme|umbrella turn=3-8; tools: stop=tool_use". The first pin that matches
// takes a request; several of one name are one category.
struct PinCondition {
  std::string attribute;
  std::vector<std::string> values;
};
struct PinRule {
  std::string name;
  std::vector<PinCondition> conditions;
};

inline constexpr size_t kMaxPinRules = 64;
inline constexpr size_t kMaxPinnedCategories = 16;  // distinct names
inline constexpr std::string_view kPinLabelPrefix = "label.";

// Returns: kInvalidArgument naming the pin and the part of it that is wrong.
absl::StatusOr<PinRule> ParsePinRule(std::string_view text);
// Returns: the same; kInvalidArgument also if there are too many.
absl::StatusOr<std::vector<PinRule>> ParsePinRules(std::string_view text);
// As ParsePinRules, of what a daemon is told with every call: type, turn, stop, lora, tenant and
// labels. Returns: kInvalidArgument also for other attributes.
absl::StatusOr<std::vector<PinRule>> ParseDaemonPinRules(std::string_view text);

// What a value of turn or blocks stands for, both ends included. 0 is "unknown".
struct NumberRange {
  uint64_t low = 0;
  uint64_t high = 0;
};
// Returns: kInvalidArgument unless it is "3", "3-8", "9+" or "unknown".
absl::StatusOr<NumberRange> ParseNumberRange(std::string_view text);

}  // namespace halflife
