#include "storage/residency/model/category_windows.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

// Critical value of the two-sample Kolmogorov-Smirnov test, 1.95 sqrt(1/m + 1/n), at a level of
// 0.1 % (Smirnov, Ann. Math. Stat. 19, 1948); two windows in a row make it rarer still.
constexpr double kCriticalFactor = 1.95;
// Intervals at risk in a bin below which its hazard says nothing: twice the prior that a curve is
// drawn to (hazard_estimator.cc).
constexpr double kLeastAtRisk = 20;

void Add(const ObservedWindow& added, ObservedWindow* sum) {
  sum->ended += added.ended;
  for (int bin = 0; bin < kAgeBins; ++bin) sum->at_risk_s[bin] += added.at_risk_s[bin];
  sum->expected += added.expected;
  sum->requests += added.requests;
  sum->span_s += added.span_s;
}

void Forget(double kept, ObservedWindow* window) {
  window->ended *= kept;
  for (double& at_risk_s : window->at_risk_s) at_risk_s *= kept;
  window->expected *= kept;
  window->requests *= kept;
  window->span_s *= kept;
}

}  // namespace

double DriftDistance(const ObservedWindow& a, const ObservedWindow& b) {
  double distance = 0, hazard_a = 0, hazard_b = 0;  // cumulative
  for (int bin = 0; bin < kAgeBins; ++bin) {
    if (a.at_risk(bin) < kLeastAtRisk || b.at_risk(bin) < kLeastAtRisk) continue;
    hazard_a += a.ended.reused[bin] / a.at_risk(bin);
    hazard_b += b.ended.reused[bin] / b.at_risk(bin);
    distance = std::max(distance, std::abs(std::exp(-hazard_a) - std::exp(-hazard_b)));
  }
  return distance;
}

void CategoryWindows::StartRequest(int category, int64_t now_ns) {
  ++categories_[category].current.requests;
  categories_[category].stats.last_request_ns = now_ns;
}

void CategoryWindows::AddTimeAtRisk(int category, double from_age_s, double to_age_s, double weight,
                                    double expected) {
  ObservedWindow& window = categories_[category].current;
  for (int bin = AgeBinOf(from_age_s); from_age_s < to_age_s; ++bin) {
    const double end_s = bin + 1 < kAgeBins ? std::min(to_age_s, kAgeEdgesS[bin + 1]) : to_age_s;
    window.at_risk_s[bin] += (end_s - from_age_s) * weight;
    from_age_s = end_s;
  }
  window.expected += expected;
}

const std::vector<int>& CategoryWindows::Advance(double elapsed_s, double kept) {
  drifted_.clear();
  for (int number = 0; number < kMaxCategories; ++number) {
    Category& category = categories_[number];
    if (category.stats.last_request_ns == 0) continue;
    Forget(kept, &category.known);
    category.current.span_s += elapsed_s;
    if (category.current.span_s < kWindowS || category.current.requests < kWindowRequests) continue;
    if (Close(&category)) drifted_.push_back(number);
  }
  return drifted_;
}

bool CategoryWindows::Close(Category* category) {
  category->stats.is_settling = false;
  if (category->known.requests >= kWindowRequests) {
    const double distance = DriftDistance(category->known, category->current);
    const double by_chance =
        kCriticalFactor * std::sqrt(1 / category->known.requests + 1 / category->current.requests);
    category->stats.drift_distance = distance;
    const bool is_off = distance > std::max(kDriftDistance, by_chance);
    category->windows_off = is_off ? category->windows_off + 1 : 0;
  }
  const bool drifted = category->windows_off >= kWindowsToDrift;
  if (drifted) {
    category->known = {};
    category->windows_off = 0;
    category->stats.is_settling = true;
    ++category->stats.drifts;
  }
  if (category->windows_off > 0) {
    category->suspect = category->current;  // until the next one confirms or refutes it
  } else {
    Add(category->suspect, &category->known);
    Add(category->current, &category->known);
    category->suspect = {};
  }
  category->current = {};
  return drifted;
}

IdleHistogram CategoryWindows::EndedIn(int category) const {
  IdleHistogram sum = categories_[category].known.ended;
  sum += categories_[category].suspect.ended;
  sum += categories_[category].current.ended;
  return sum;
}

CategoryWindows::Stats CategoryWindows::stats(int category) const {
  const Category& windows = categories_[category];
  Stats stats = windows.stats;
  stats.requests = windows.known.requests + windows.suspect.requests + windows.current.requests;
  return stats;
}

}  // namespace halflife
