#include "bench/measure.h"

#include <algorithm>
#include <ctime>

#include "bench/peer.h"

namespace halflife::bench {

int64_t NowNs() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

Spread SpreadOf(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

Spread RatioSpread(const std::vector<double>& values, const std::vector<double>& limit) {
  std::vector<double> ratios;
  for (size_t round = 0; round < std::min(values.size(), limit.size()); ++round) {
    ratios.push_back(values[round] / limit[round]);
  }
  return SpreadOf(std::move(ratios));
}

double Quantile(std::vector<int64_t>& values, double q) {
  if (values.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(q * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + at, values.end());
  return static_cast<double>(values[static_cast<size_t>(at)]);
}

void Meter::Begin() {
  client_before_ = OwnUsage();
  if (server_ != nullptr) server_before_ = server_->usage();
}

void Meter::End(double units) {
  client_cpu_s_.push_back((OwnUsage().cpu_s - client_before_.cpu_s) / units);
  const Usage after = server_ != nullptr ? server_->usage() : Usage{};
  server_cpu_s_.push_back((after.cpu_s - server_before_.cpu_s) / units);
  server_faults_.push_back(static_cast<double>(after.page_faults - server_before_.page_faults) /
                           units);
}

}  // namespace halflife::bench
