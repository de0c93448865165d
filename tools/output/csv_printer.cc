#include <charconv>

#include "tools/output/report.h"

namespace halflife::tools {
namespace {

constexpr const char* kLineEnd = "\r\n";

std::string Quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string PlainText(const Cell& cell) {
  struct Visitor {
    std::string operator()(std::monostate) const { return ""; }
    std::string operator()(const std::string& text) const { return text; }
    std::string operator()(int64_t number) const { return std::to_string(number); }
    std::string operator()(uint64_t number) const { return std::to_string(number); }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(double number) const {
      char text[64];
      const auto result = std::to_chars(text, text + sizeof text, number);
      return std::string(text, result.ptr);
    }
  };
  return std::visit(Visitor{}, cell.value);
}

std::string Line(const std::vector<std::string>& fields) {
  std::string line;
  for (size_t i = 0; i < fields.size(); ++i) line += (i == 0 ? "" : ",") + Quoted(fields[i]);
  return line + kLineEnd;
}

std::string OneTable(const Table& table) {
  std::string out = Line(table.columns);
  for (const auto& row : table.rows) {
    std::vector<std::string> fields;
    for (const Cell& cell : row) fields.push_back(PlainText(cell));
    out += Line(fields);
  }
  return out;
}

}  // namespace

std::string RenderCsv(const Report& report) {
  if (report.tables.size() == 1) return OneTable(report.tables.front());
  std::string out = Line({"table", "row", "column", "value"});
  for (const Table& table : report.tables) {
    for (size_t row = 0; row < table.rows.size(); ++row) {
      for (size_t i = 0; i < table.columns.size(); ++i) {
        out += Line(
            {table.name, std::to_string(row), table.columns[i], PlainText(table.rows[row][i])});
      }
    }
  }
  return out;
}

std::string Render(const Report& report, OutputFormat format, const Style& style) {
  switch (format) {
    case OutputFormat::kJson:
      return RenderJson(report);
    case OutputFormat::kCsv:
      return RenderCsv(report);
    case OutputFormat::kTable:
      break;
  }
  return RenderTable(report, style);
}

}  // namespace halflife::tools
