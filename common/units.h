#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace halflife {

// Sizes and durations as people write them, in configuration, on the command line and on pages.
// Pure functions.

// "4096", "64KiB", "1.5GiB". Units: B, KiB, MiB, GiB, TiB, PiB; a plain number is bytes. At most 3
// decimals, which must come out at whole bytes. Returns: kInvalidArgument naming the remedy on
// anything else: signs, exponents, spaces, decimal units (GB), more than 2^63 - 1 bytes.
absl::StatusOr<uint64_t> ParseBytes(std::string_view text);

// "250us", "250ms", "30s", "5m", "1h", "7d"; "0" needs no unit. At most 3 decimals ("1.5s").
// Returns: kInvalidArgument naming the remedy on anything else, and above 100 years.
absl::StatusOr<absl::Duration> ParseDuration(std::string_view text);

// A whole number in decimal digits. Returns: kInvalidArgument on signs, leading zeros (octal
// elsewhere), other bases, separators, exponents, or more than 2^63 - 1.
absl::StatusOr<int64_t> ParseInteger(std::string_view text);

// Exact, so that ParseBytes gives the same number back: the largest unit that divides it,
// "1536MiB".
std::string ExactBytes(uint64_t bytes);
// Exact, as ParseDuration reads it, for durations of whole microseconds: "1500ms".
std::string ExactDuration(absl::Duration duration);

// For people, rounded to 3 digits: "1.50 GiB".
std::string HumanBytes(uint64_t bytes);

}  // namespace halflife
