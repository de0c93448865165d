#include "common/units.h"

#include <array>
#include <cctype>
#include <limits>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "common/status.h"
#include "common/strings.h"

namespace halflife {
namespace {

struct Unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Unit, 6> kByteUnits = {{{"B", 1},
                                             {"KiB", uint64_t{1} << 10},
                                             {"MiB", uint64_t{1} << 20},
                                             {"GiB", uint64_t{1} << 30},
                                             {"TiB", uint64_t{1} << 40},
                                             {"PiB", uint64_t{1} << 50}}};

// In microseconds.
constexpr std::array<Unit, 6> kDurationUnits = {{{"us", 1},
                                                 {"ms", 1'000},
                                                 {"s", 1'000'000},
                                                 {"m", 60'000'000},
                                                 {"h", 3'600'000'000},
                                                 {"d", 86'400'000'000}}};

constexpr uint64_t kMaxValue = std::numeric_limits<int64_t>::max();
constexpr uint64_t kMaxMicroseconds = uint64_t{100} * 365 * 86'400'000'000;
constexpr size_t kMaxEchoedBytes = 40;

absl::Status Invalid(std::string_view text, std::string_view remedy) {
  return absl::InvalidArgumentError(StrCat("\"", text.substr(0, kMaxEchoedBytes), "\": ", remedy));
}

// A decimal number split at its point, and what follows it.
struct Quantity {
  uint64_t whole = 0;
  uint64_t thousandths = 0;
  bool has_point = false;
  std::string_view unit;
};

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

absl::StatusOr<Quantity> ParseQuantity(std::string_view text, std::string_view example) {
  if (text.empty()) return Invalid(text, StrCat("empty; write for example ", example));
  if (text[0] == '-') return Invalid(text, "must not be negative");
  if (!IsDigit(text[0])) {
    return Invalid(text, StrCat("must begin with a digit; write for example ", example));
  }
  Quantity quantity;
  size_t at = 0;
  for (; at < text.size() && IsDigit(text[at]); ++at) {
    if (quantity.whole > kMaxValue / 10) return Invalid(text, "too large");
    quantity.whole = quantity.whole * 10 + static_cast<uint64_t>(text[at] - '0');
  }
  if (quantity.whole > kMaxValue) return Invalid(text, "too large");
  if (at > 1 && text[0] == '0') {
    return Invalid(text, "leading zero (octal in YAML 1.1); write it without");
  }
  if (at < text.size() && text[at] == '.') {
    quantity.has_point = true;
    uint64_t place = 100;
    const size_t first = ++at;
    for (; at < text.size() && IsDigit(text[at]); ++at, place /= 10) {
      if (at - first == 3) return Invalid(text, "at most 3 decimals");
      quantity.thousandths += place * static_cast<uint64_t>(text[at] - '0');
    }
    if (at == first) return Invalid(text, "a digit must follow the point");
  }
  quantity.unit = text.substr(at);
  return quantity;
}

absl::Status UnitError(std::string_view text, const Quantity& quantity, std::string_view units) {
  const std::string_view unit = quantity.unit;
  const char first = unit.empty() ? '\0' : unit[0];
  if (first == 'e' || first == 'E') return Invalid(text, "write it without an exponent");
  if (first == ' ') return Invalid(text, "write the unit without a space before it");
  if (first == '_' || first == ',') return Invalid(text, "write it without separators");
  return Invalid(text, StrCat("unknown unit \"", unit.substr(0, kMaxEchoedBytes),
                              "\"; the units are ", units));
}

// quantity * factor, exactly. nullopt on overflow or if the decimals do not come out whole.
std::optional<uint64_t> Scale(const Quantity& quantity, uint64_t factor) {
  const unsigned __int128 thousandths =
      (static_cast<unsigned __int128>(quantity.whole) * 1000 + quantity.thousandths) * factor;
  if (thousandths % 1000 != 0) return std::nullopt;
  const unsigned __int128 value = thousandths / 1000;
  if (value > kMaxValue) return std::nullopt;
  return static_cast<uint64_t>(value);
}

template <size_t kCount>
const Unit* FindUnit(const std::array<Unit, kCount>& units, std::string_view name) {
  for (const Unit& unit : units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

template <size_t kCount>
std::string Exact(uint64_t value, const std::array<Unit, kCount>& units) {
  const Unit* best = &units[0];
  for (const Unit& unit : units) {
    if (value % unit.factor == 0) best = &unit;
  }
  return StrCat(value / best->factor, best->name);
}

}  // namespace

absl::StatusOr<uint64_t> ParseBytes(std::string_view text) {
  HL_ASSIGN_OR_RETURN(const Quantity quantity, ParseQuantity(text, "64KiB"));
  const std::string_view name = quantity.unit.empty() ? "B" : quantity.unit;
  const Unit* unit = FindUnit(kByteUnits, name);
  if (unit == nullptr) {
    for (const Unit& known : kByteUnits) {
      const bool decimal = name.size() == 2 && name[0] == known.name[0] && name[1] == 'B';
      const bool other_case = absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(known.name));
      const bool short_form =
          known.factor > 1 &&
          absl::EqualsIgnoreCase(ToAbsl(name), ToAbsl(known.name.substr(0, name.size())));
      if (decimal || other_case || short_form) {
        return Invalid(text, StrCat("unknown unit \"", name, "\"; write ",
                                    text.substr(0, text.size() - name.size()), known.name));
      }
    }
    return UnitError(text, quantity, "B, KiB, MiB, GiB, TiB, PiB");
  }
  if (const std::optional<uint64_t> bytes = Scale(quantity, unit->factor)) return *bytes;
  return Invalid(text, quantity.has_point ? "not a whole number of bytes, or too large"
                                          : "too large; at most 8191PiB");
}

absl::StatusOr<absl::Duration> ParseDuration(std::string_view text) {
  HL_ASSIGN_OR_RETURN(const Quantity quantity, ParseQuantity(text, "30s"));
  if (quantity.unit.empty()) {
    if (text == "0") return absl::ZeroDuration();
    return Invalid(text, StrCat("a duration needs a unit; write ", text, "s or ", text, "ms"));
  }
  const Unit* unit = FindUnit(kDurationUnits, quantity.unit);
  if (unit == nullptr) return UnitError(text, quantity, "us, ms, s, m, h, d");
  const std::optional<uint64_t> microseconds = Scale(quantity, unit->factor);
  if (!microseconds.has_value() || *microseconds > kMaxMicroseconds) {
    return Invalid(text, "not a whole number of microseconds, or above 100 years");
  }
  return absl::Microseconds(static_cast<int64_t>(*microseconds));
}

absl::StatusOr<int64_t> ParseInteger(std::string_view text) {
  HL_ASSIGN_OR_RETURN(const Quantity quantity, ParseQuantity(text, "8"));
  if (quantity.has_point) return Invalid(text, "must be a whole number");
  if (quantity.unit.empty()) return static_cast<int64_t>(quantity.whole);
  const char first = quantity.unit[0];
  if (first == 'x' || first == 'X' || first == 'o' || first == 'b') {
    return Invalid(text, "write it in decimal");
  }
  return UnitError(text, quantity, "none: write a plain number");
}

std::string ExactBytes(uint64_t bytes) {
  if (bytes == 0) return "0";
  return Exact(bytes, kByteUnits);
}

std::string ExactDuration(absl::Duration duration) {
  if (duration == absl::ZeroDuration()) return "0s";
  return Exact(static_cast<uint64_t>(absl::ToInt64Microseconds(duration)), kDurationUnits);
}

std::string HumanBytes(uint64_t bytes) {
  size_t unit = 0;
  double value = static_cast<double>(bytes);
  // 999.5 and more would print as 1000.
  while (value >= 999.5 && unit + 1 < kByteUnits.size()) {
    value /= 1024;
    ++unit;
  }
  if (unit == 0) return StrCat(bytes, " B");
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return absl::StrFormat("%.*f %s", decimals, value, kByteUnits[unit].name);
}

}  // namespace halflife
