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

Json ValueOf(const Table& table) {
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json object = Json::object();
    for (size_t i = 0; i < table.columns.size(); ++i) object[table.columns[i]] = ValueOf(row[i]);
    rows.push_back(std::move(object));
  }
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
  // Names come from callers and may be no UTF-8; dump must not throw.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace halflife::tools
