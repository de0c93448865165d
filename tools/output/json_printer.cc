#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/output/report.h"

namespace halflife::tools {
namespace {

using Json = nlohmann::ordered_json;

struct JsonOf {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(double number) const { return std::isfinite(number) ? Json(number) : Json(); }
  template <typename T>
  Json operator()(const T& value) const {
    return value;
  }
};

Json ValueOf(const Cell& cell) { return std::visit(JsonOf{}, cell.value); }

Json ObjectOf(const Table& table, const std::vector<Cell>& row) {
  Json object = Json::object();
  for (size_t i = 0; i < table.columns.size(); ++i) object[table.columns[i]] = ValueOf(row[i]);
  return object;
}

// Names come from callers and may be no UTF-8; dump must not throw.
std::string Dump(const Json& document, int indent) {
  return document.dump(indent, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json ValueOf(const Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) rows.push_back(ObjectOf(table, row));
  if (!table.is_record) return rows;
  return rows.empty() ? Json::object() : rows.front();
}

}  // namespace

std::string RenderJson(const Report& report) {
  Json document;
  if (report.tables.size() == 1) {
    document = ValueOf(report.tables.front());
  } else {
    document = Json::object();
    for (const Table& table : report.tables) document[table.name] = ValueOf(table);
  }
  return Dump(document, 2);
}

std::string RenderJsonLines(const Table& table) {
  std::string lines;
  for (const auto& row : table.rows) lines += Dump(ObjectOf(table, row), -1);
  return lines;
}

}  // namespace halflife::tools
