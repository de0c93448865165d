#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace halflife {

// "12,031"
std::string Number(uint64_t value);
// "38.2 %"; a dash of nothing.
std::string Percent(uint64_t part, uint64_t whole);
std::string Percent(double ratio);

// Rows of a table; cells are escaped, and right-aligned from the second column on.
class HtmlTable {
 public:
  explicit HtmlTable(const std::vector<std::string>& heads);

  void Row(const std::vector<std::string>& cells);
  std::string Html() const { return html_ + "</table>\n"; }

 private:
  void Cell(std::string_view tag, const std::string& text, bool right);

  std::string html_;
};

}  // namespace halflife
