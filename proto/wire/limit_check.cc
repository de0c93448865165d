#include "proto/wire/limit_check.h"

#include "absl/strings/str_cat.h"

namespace halflife {

absl::Status CheckAtMost(absl::string_view field, uint64_t value, uint64_t limit) {
  if (value <= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", at most ", limit));
}

absl::Status CheckAtLeast(absl::string_view field, uint64_t value, uint64_t limit) {
  if (value >= limit) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(field, " is ", value, ", at least ", limit));
}

absl::Status CheckBytes(absl::string_view field, uint64_t size, uint64_t expected) {
  if (size == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(field, " has ", size, " bytes, expected ", expected));
}

}  // namespace halflife
