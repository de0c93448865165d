#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/block/namespace_descriptor.h"

namespace halflife {

// How many bytes of DRAM namespaces are sure of, and how many they may have, as an operator writes
// it:
//
//   limits    = [ rule *( ";" rule ) ]
//   rule      = name ":" part *( " " part )                ; at least one bound
//   part      = condition / bound
//   condition = field "=" value *( "|" value )             ; any of them; all conditions must hold
//   field     = "tenant" / "model" / "engine" / "lora" / "tag"
//   bound     = ( "min_bytes" / "max_bytes" ) "=" bytes    ; "8GiB"
//
// as in "gold: tenant=acme min_bytes=8GiB; batch: tenant=batch|nightly max_bytes=2GiB". The first
// rule whose conditions hold takes a namespace; all that one rule takes share its bytes. A rule
// without conditions takes what is left.
struct NamespaceLimitRule {
  struct Condition {
    std::string field;
    std::vector<std::string> values;
  };

  std::string name;
  std::vector<Condition> conditions;
  // Of payload. A floor of 0 is none.
  uint64_t min_bytes = 0;
  uint64_t max_bytes = UINT64_MAX;

  bool Takes(const NamespaceDescriptor& descriptor) const;
};

inline constexpr size_t kMaxNamespaceLimits = 16;

// Returns: kInvalidArgument naming the rule and the part of it that is wrong: also a floor above
// its ceiling, a name or bound that is there twice, and too many rules.
absl::StatusOr<std::vector<NamespaceLimitRule>> ParseNamespaceLimits(std::string_view text);

// Returns: kInvalidArgument if the floors together leave less than a tenth of the tier to all
// others, who need some room to put anything.
absl::Status CheckNamespaceFloors(const std::vector<NamespaceLimitRule>& rules,
                                  uint64_t tier_bytes);

}  // namespace halflife
