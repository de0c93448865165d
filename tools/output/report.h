#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace halflife::tools {

// One value of a table: a number keeps its unit, so that people read "1.50 GiB" and programs read
// 1610612736.
struct Cell {
  enum class Unit { kNone, kBytes, kRatio, kMicros, kSeconds };
  std::variant<std::monostate, std::string, int64_t, uint64_t, double, bool>
      value;  // monostate: not known
  Unit unit = Unit::kNone;

  static Cell None() { return {}; }
  static Cell Text(std::string text) { return {std::move(text), Unit::kNone}; }
  static Cell Count(uint64_t count) { return {count, Unit::kNone}; }
  static Cell Number(double number) { return {number, Unit::kNone}; }
  static Cell Bytes(uint64_t bytes) { return {bytes, Unit::kBytes}; }
  static Cell Ratio(double ratio) { return {ratio, Unit::kRatio}; }  // 0..1; people read per cent
  static Cell Micros(double micros) { return {micros, Unit::kMicros}; }
  static Cell Seconds(double seconds) { return {seconds, Unit::kSeconds}; }
  static Cell Bool(bool value) { return {value, Unit::kNone}; }
  // `part` / `whole`, not known if `whole` is 0.
  static Cell Share(uint64_t part, uint64_t whole);
};

// Rows under named columns. Column names are for programs: snake_case with the unit last
// (get_p50_us).
struct Table {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
  // A record has one row; people read it as "name  value" lines, programs as one object.
  bool is_record = false;

  void AddRow(std::vector<Cell> cells) { rows.push_back(std::move(cells)); }
  // For records: one more column of the one row.
  void Set(std::string column, Cell cell);

  static Table Record(std::string name) { return {std::move(name), {}, {}, true}; }
};

// What a command has to say.
struct Report {
  std::vector<Table> tables;
};

enum class OutputFormat { kTable, kJson, kCsv };

struct Style {
  bool colour = false;
};

// People: aligned columns, numbers with units. Widths count what a terminal shows, not bytes.
std::string RenderTable(const Report& report, const Style& style);
// Programs: one table is an array of objects (a record: an object); several are an object of those,
// by name.
std::string RenderJson(const Report& report);
// Programs that read as they go: one object a line.
std::string RenderJsonLines(const Table& table);
// RFC 4180, lines end in CRLF. One table: header and rows; several: table,row,column,value.
std::string RenderCsv(const Report& report);

std::string Render(const Report& report, OutputFormat format, const Style& style);

// "1.50 GiB", "38.2 %", "412 us", "1.5 s", "12,031".
std::string HumanText(const Cell& cell);
// Columns that a terminal uses for UTF-8 text; wide (CJK, emoji) count two, combining marks none.
size_t DisplayWidth(std::string_view text);

}  // namespace halflife::tools
