#include <algorithm>

#include "tools/output/report.h"

namespace halflife::tools {
namespace {

constexpr const char* kBold = "\x1b[1m";
constexpr const char* kReset = "\x1b[0m";
constexpr std::string_view kGap = "  ";

// Decodes one code point at `text[at]` and advances; malformed bytes count as one column each.
char32_t NextCodePoint(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0xc0) return lead;
  const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : 1;
  char32_t code = lead & (0x3f >> more);
  for (int i = 0; i < more && at < text.size() && (byte(at) & 0xc0) == 0x80; ++i) {
    code = (code << 6) | (byte(at++) & 0x3f);
  }
  return code;
}

struct Range {
  char32_t first, last;
};

// Combining marks, joiners and variation selectors take no column. Subset of Unicode 15
// DerivedGeneralCategory Mn/Cf.
constexpr Range kZeroWidth[] = {{0x0300, 0x036f}, {0x0483, 0x0489}, {0x0591, 0x05bd},
                                {0x064b, 0x065f}, {0x1ab0, 0x1aff}, {0x1dc0, 0x1dff},
                                {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f},
                                {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}};
// East Asian Wide and Fullwidth, and emoji. Subset of Unicode 15 EastAsianWidth W/F.
constexpr Range kWide[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0x33ff},
                           {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xa000, 0xa4cf},
                           {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe4f},
                           {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
                           {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

template <size_t N>
bool Contains(const Range (&ranges)[N], char32_t code) {
  return std::any_of(std::begin(ranges), std::end(ranges),
                     [code](Range range) { return code >= range.first && code <= range.last; });
}

// Control characters would break the layout, and an escape sequence in a name must not reach the
// terminal.
std::string Printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    result += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
  }
  return result;
}

bool IsText(const Cell& cell) { return std::holds_alternative<std::string>(cell.value); }

std::string Pad(std::string_view text, size_t width, bool to_the_right) {
  const size_t used = DisplayWidth(text);
  const std::string space(width > used ? width - used : 0, ' ');
  return to_the_right ? space + std::string(text) : std::string(text) + space;
}

void AppendLine(std::string line, std::string& out) {
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

void AppendHeading(std::string text, const Style& style, std::string& out) {
  text.erase(text.find_last_not_of(' ') + 1);
  out += style.colour ? kBold + text + kReset + "\n" : text + "\n";
}

std::string Title(std::string_view column) {
  std::string title = Printable(column);
  std::replace(title.begin(), title.end(), '_', ' ');
  // The values carry their unit.
  for (const std::string_view unit : {" us", " seconds"}) {
    if (title.size() > unit.size() && title.ends_with(unit)) {
      title.resize(title.size() - unit.size());
    }
  }
  return title;
}

void AppendRecord(const Table& table, std::string& out) {
  size_t width = 0;
  for (const std::string& column : table.columns) {
    width = std::max(width, DisplayWidth(Title(column)));
  }
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < table.columns.size(); ++i) {
      std::string line(kGap);
      line += Pad(Title(table.columns[i]), width, false);
      line += kGap;
      line += Printable(HumanText(row[i]));
      AppendLine(std::move(line), out);
    }
  }
}

void AppendGrid(const Table& table, const Style& style, std::string& out) {
  const size_t count = table.columns.size();
  std::vector<size_t> widths(count);
  std::vector<bool> right(count, true);  // numbers
  std::vector<std::vector<std::string>> texts;
  for (size_t i = 0; i < count; ++i) widths[i] = DisplayWidth(Title(table.columns[i]));
  for (const auto& row : table.rows) {
    std::vector<std::string>& line = texts.emplace_back();
    for (size_t i = 0; i < count; ++i) {
      line.push_back(Printable(HumanText(row[i])));
      widths[i] = std::max(widths[i], DisplayWidth(line.back()));
      if (IsText(row[i])) right[i] = false;
    }
  }
  std::string heading(kGap);
  for (size_t i = 0; i < count; ++i) {
    heading += Pad(Title(table.columns[i]), widths[i], right[i]) + std::string(kGap);
  }
  AppendHeading(std::move(heading), style, out);
  for (const auto& row : texts) {
    std::string line(kGap);
    for (size_t i = 0; i < count; ++i) line += Pad(row[i], widths[i], right[i]) + std::string(kGap);
    AppendLine(std::move(line), out);
  }
}

}  // namespace

size_t DisplayWidth(std::string_view text) {
  size_t width = 0;
  for (size_t at = 0; at < text.size();) {
    const char32_t code = NextCodePoint(text, at);
    width += Contains(kZeroWidth, code) ? 0 : Contains(kWide, code) ? 2 : 1;
  }
  return width;
}

std::string RenderTable(const Report& report, const Style& style) {
  std::string out;
  for (const Table& table : report.tables) {
    if (!out.empty()) out += "\n";
    if (report.tables.size() > 1) AppendHeading(Title(table.name), style, out);
    if (table.is_record) {
      AppendRecord(table, out);
    } else if (table.rows.empty()) {
      out += "  (none)\n";
    } else {
      AppendGrid(table, style, out);
    }
  }
  return out;
}

}  // namespace halflife::tools
