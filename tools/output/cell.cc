#include <cmath>

#include "absl/strings/str_format.h"
#include "common/units.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

std::string WithSeparators(uint64_t number) {
  std::string digits = std::to_string(number);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3) digits.insert(at, ",");
  return digits;
}

std::string HumanMicros(double micros) {
  if (micros < 10) return absl::StrFormat("%.1f us", micros);
  if (micros < 1e3) return absl::StrFormat("%.0f us", micros);
  if (micros < 1e4) return absl::StrFormat("%.2f ms", micros / 1e3);
  if (micros < 1e6) return absl::StrFormat("%.1f ms", micros / 1e3);
  return absl::StrFormat("%.2f s", micros / 1e6);
}

std::string HumanSeconds(double seconds) {
  if (seconds == 0) return "0 s";
  if (seconds < 1) return HumanMicros(seconds * 1e6);
  if (seconds < 120) return absl::StrFormat("%.1f s", seconds);
  if (seconds < 7200) return absl::StrFormat("%.1f min", seconds / 60);
  return absl::StrFormat("%.1f h", seconds / 3600);
}

std::string HumanNumber(double number, Cell::Unit unit) {
  switch (unit) {
    case Cell::Unit::kBytes:
      return HumanBytes(static_cast<uint64_t>(number));
    case Cell::Unit::kRatio:
      return absl::StrFormat("%.1f %%", number * 100);
    case Cell::Unit::kMicros:
      return HumanMicros(number);
    case Cell::Unit::kSeconds:
      return HumanSeconds(number);
    case Cell::Unit::kNone:
      break;
  }
  return absl::StrFormat("%.6g", number);
}

}  // namespace

Cell Cell::Share(uint64_t part, uint64_t whole) {
  if (whole == 0) return None();
  return Ratio(static_cast<double>(part) / static_cast<double>(whole));
}

void Table::Set(std::string column, Cell cell) {
  if (rows.empty()) rows.emplace_back();
  columns.push_back(std::move(column));
  rows.front().push_back(std::move(cell));
}

std::string HumanText(const Cell& cell) {
  struct Visitor {
    Cell::Unit unit;
    std::string operator()(std::monostate) const { return "-"; }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(int64_t number) const {
      if (unit != Cell::Unit::kNone) return HumanNumber(static_cast<double>(number), unit);
      return number < 0 ? "-" + WithSeparators(-static_cast<uint64_t>(number))
                        : WithSeparators(static_cast<uint64_t>(number));
    }
    std::string operator()(uint64_t number) const {
      if (unit == Cell::Unit::kBytes) return HumanBytes(number);
      if (unit != Cell::Unit::kNone) return HumanNumber(static_cast<double>(number), unit);
      return WithSeparators(number);
    }
    std::string operator()(double number) const { return HumanNumber(number, unit); }
    std::string operator()(bool value) const { return value ? "yes" : "no"; }
  };
  return std::visit(Visitor{cell.unit}, cell.value);
}

}  // namespace halflife::tools
