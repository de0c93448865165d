#include "server/admin/html_table.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "common/html.h"

namespace halflife {

std::string Number(uint64_t value) {
  std::string digits = absl::StrCat(value);
  for (int at = static_cast<int>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return digits;
}

std::string Percent(double ratio) { return absl::StrFormat("%.1f %%", 100.0 * ratio); }

std::string Percent(uint64_t part, uint64_t whole) {
  if (whole == 0) return "–";
  return Percent(static_cast<double>(part) / static_cast<double>(whole));
}

HtmlTable::HtmlTable(const std::vector<std::string>& heads) {
  html_ = "<table><tr>";
  for (size_t i = 0; i < heads.size(); ++i) Cell("th", heads[i], i > 0);
  html_ += "</tr>\n";
}

void HtmlTable::Row(const std::vector<std::string>& cells) {
  html_ += "<tr>";
  for (size_t i = 0; i < cells.size(); ++i) Cell("td", cells[i], i > 0);
  html_ += "</tr>\n";
}

void HtmlTable::Cell(std::string_view tag, const std::string& text, bool right) {
  absl::StrAppendFormat(&html_, "<%s%s>%s</%s>", tag, right ? " class=\"n\"" : "", EscapeHtml(text),
                        tag);
}

}  // namespace halflife
