#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace halflife::tools {

// One line of a plot, from left to right.
struct PlotSeries {
  std::string name;
  std::vector<std::pair<double, double>> points;  // x, y in [0, 1]
  int colour = 0;                                 // class s0 to s7 of the page's style sheet
  bool is_dashed = false;
  bool is_stepped = false;  // holds its value until the next point
};

// Shares in per cent over a logarithmic axis.
struct Plot {
  std::string title;
  std::string x_label;
  std::vector<std::pair<double, std::string>> x_ticks;  // those outside of the points are left out
  std::vector<PlotSeries> series;
  int width = 420;  // of the drawing; the page scales it
  int height = 260;
};

// An <svg> element with axes, lines and a legend. Points with x <= 0 are left out. Pure function.
std::string SvgOf(const Plot& plot);

// Text for an HTML or SVG element or a quoted attribute, on one line: control characters, which SVG
// forbids, become spaces.
std::string EscapeLine(std::string_view text);

}  // namespace halflife::tools
