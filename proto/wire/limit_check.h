#pragma once

#include <cstdint>
#include "absl/strings/string_view.h"

#include "absl/status/status.h"

namespace halflife {

// Refusals of the contract's limits, worded alike everywhere: the field, its value, the limit.
// Return: kInvalidArgument "<field> is <value>, at most <limit>" and the like.
absl::Status CheckAtMost(absl::string_view field, uint64_t value, uint64_t limit);
absl::Status CheckAtLeast(absl::string_view field, uint64_t value, uint64_t limit);
// "<field> has <size> bytes, expected <expected>".
absl::Status CheckBytes(absl::string_view field, uint64_t size, uint64_t expected);

}  // namespace halflife
