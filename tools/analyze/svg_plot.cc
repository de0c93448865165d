#include "tools/analyze/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"
#include "common/html.h"

namespace halflife::tools {
namespace {

constexpr int kLeft = 44;
constexpr int kRight = 20;  // half of the last tick's text
constexpr int kTop = 12;
constexpr int kBottom = 40;
constexpr int kLegendLine = 16;

// Maps values to places in the drawing.
class Frame {
 public:
  explicit Frame(const Plot& plot) : width_(plot.width), height_(plot.height) {
    low_ = std::numeric_limits<double>::infinity();
    high_ = 0;
    for (const PlotSeries& series : plot.series) {
      for (const auto& [x, y] : series.points) {
        if (x <= 0) continue;
        low_ = std::min(low_, x);
        high_ = std::max(high_, x);
      }
    }
    if (high_ <= 0) low_ = high_ = 1;
    if (high_ <= low_) high_ = low_ * 10;
  }

  bool Shows(double x) const { return x >= low_ * (1 - 1e-9) && x <= high_ * (1 + 1e-9); }
  double X(double x) const {
    const double share = std::log(x / low_) / std::log(high_ / low_);
    return kLeft + share * (width_ - kLeft - kRight);
  }
  double Y(double y) const {
    return kTop + (1 - std::clamp(y, 0.0, 1.0)) * (height_ - kTop - kBottom);
  }

 private:
  const int width_;
  const int height_;
  double low_;
  double high_;
};

void AppendAxes(const Plot& plot, const Frame& frame, std::string& svg) {
  const int right = plot.width - kRight;
  for (int percent = 0; percent <= 100; percent += 20) {
    const double y = frame.Y(percent / 100.0);
    absl::StrAppendFormat(&svg, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>", kLeft, y, right);
    absl::StrAppendFormat(&svg, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%d %%</text>",
                          kLeft - 6, y + 4, percent);
  }
  const double bottom = frame.Y(0);
  for (const auto& [x, text] : plot.x_ticks) {
    if (!frame.Shows(x)) continue;
    absl::StrAppendFormat(&svg, "<path class=\"grid\" d=\"M%.1f %dV%.1f\"/>", frame.X(x), kTop,
                          bottom);
    absl::StrAppendFormat(&svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
                          frame.X(x), bottom + 18, EscapeLine(text));
  }
  absl::StrAppendFormat(&svg, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"middle\">%s</text>",
                        (kLeft + right) / 2, bottom + 36, EscapeLine(plot.x_label));
}

const char* ClassOf(const PlotSeries& series) { return series.is_dashed ? " dashed" : ""; }

void AppendLine(const PlotSeries& series, const Frame& frame, std::string& svg) {
  std::string path;
  for (const auto& [x, y] : series.points) {
    if (x <= 0) continue;
    if (path.empty()) {
      absl::StrAppendFormat(&path, "M%.1f %.1f", frame.X(x), frame.Y(y));
    } else if (series.is_stepped) {
      absl::StrAppendFormat(&path, "H%.1fV%.1f", frame.X(x), frame.Y(y));
    } else {
      absl::StrAppendFormat(&path, "L%.1f %.1f", frame.X(x), frame.Y(y));
    }
  }
  absl::StrAppendFormat(&svg, "<path class=\"line s%d%s\" d=\"%s\"/>", series.colour % 8,
                        ClassOf(series), path);
}

void AppendLegend(const Plot& plot, std::string& svg) {
  int y = plot.height + kLegendLine / 2;
  for (const PlotSeries& series : plot.series) {
    absl::StrAppendFormat(&svg, "<path class=\"line s%d%s\" d=\"M%d %dh24\"/>", series.colour % 8,
                          ClassOf(series), kLeft, y);
    absl::StrAppendFormat(&svg, "<text x=\"%d\" y=\"%d\">%s</text>", kLeft + 30, y + 4,
                          EscapeLine(series.name));
    y += kLegendLine;
  }
}

}  // namespace

std::string EscapeLine(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return EscapeHtml(line);
}

std::string SvgOf(const Plot& plot) {
  const Frame frame(plot);
  const int height = plot.height + kLegendLine * static_cast<int>(plot.series.size());
  std::string svg = absl::StrFormat("<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"%s\">",
                                    plot.width, height, EscapeLine(plot.title));
  AppendAxes(plot, frame, svg);
  for (const PlotSeries& series : plot.series) AppendLine(series, frame, svg);
  AppendLegend(plot, svg);
  return svg + "</svg>";
}

}  // namespace halflife::tools
