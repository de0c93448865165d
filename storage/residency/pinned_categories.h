#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "common/block/attributes.h"
#include "common/block/category_pins.h"
#include "common/block/namespace_descriptor.h"

namespace halflife {

// Categories that an operator has named in the configuration (common/block/category_pins.h), as a
// store looks them up: by what a call says of its request, and by the namespace for tenant and
// LoRA. Not for categories that are found by themselves: those are CategoryTable's. Immutable.
class PinnedCategories {
 public:
  PinnedCategories() = default;
  // Returns: what ParseDaemonPinRules returns.
  static absl::StatusOr<PinnedCategories> Parse(std::string_view text);

  // Position in names() of the first pin that matches; -1 if none does. Without a namespace, tenant
  // and LoRA are unknown.
  int Find(const RequestAttributes& attributes, const NamespaceDescriptor* ns) const;
  const std::vector<std::string>& names() const { return names_; }

 private:
  struct Rule {
    int category = 0;
    std::vector<PinCondition> conditions;
    std::vector<NumberRange> turns;  // one of them; empty: any
  };

  static bool Matches(const Rule& rule, const RequestAttributes& attributes,
                      const NamespaceDescriptor* ns);

  std::vector<std::string> names_;
  std::vector<Rule> rules_;
};

}  // namespace halflife
