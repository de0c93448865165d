#include "tools/output/progress_line.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "absl/strings/str_format.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

constexpr int64_t kIntervalNs = 100'000'000;
constexpr int kBarWidth = 24;
constexpr const char* kEraseLine = "\r\x1b[K";

void WriteToStderr(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

ProgressLine::ProgressLine(std::string label, bool enabled, const Clock& clock, Sink sink)
    : label_(std::move(label)),
      enabled_(enabled),
      clock_(clock),
      sink_(sink ? std::move(sink) : Sink(WriteToStderr)),
      start_ns_(clock.NowNanos()),
      next_ns_(start_ns_) {}

ProgressLine::~ProgressLine() { Clear(); }

void ProgressLine::Update(double share, uint64_t requests) {
  if (!enabled_) return;
  const int64_t now_ns = clock_.NowNanos();
  if (now_ns < next_ns_) return;
  next_ns_ = now_ns + kIntervalNs;
  shown_ = true;
  sink_(kEraseLine + Text(share, requests));
}

void ProgressLine::Clear() {
  if (!shown_) return;
  shown_ = false;
  sink_(kEraseLine);
}

std::string ProgressLine::Text(double share, uint64_t requests) const {
  const double elapsed_s = static_cast<double>(clock_.NowNanos() - start_ns_) * 1e-9;
  std::string bar;
  if (share >= 0) {
    const int full = static_cast<int>(std::clamp(share, 0.0, 1.0) * kBarWidth);
    bar = absl::StrFormat("[%s%s] %3.0f %%  ", std::string(full, '#'),
                          std::string(kBarWidth - full, '.'), std::clamp(share, 0.0, 1.0) * 100);
  }
  return absl::StrFormat("%s  %s%s requests  %.0f s", label_, bar, HumanText(Cell::Count(requests)),
                         elapsed_s);
}

}  // namespace halflife::tools
