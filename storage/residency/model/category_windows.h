#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "common/block/attributes.h"
#include "storage/residency/model/idle_histogram.h"

namespace halflife {

// What was observed of one category in a stretch of time.
struct ObservedWindow {
  IdleHistogram ended;
  std::array<double, kAgeBins> at_risk_s{};  // weight x seconds at these ages, open intervals too
  double expected = 0;  // reuses that the fit expected of these intervals, the category left out
  double requests = 0;
  double span_s = 0;

  // Intervals that were at risk throughout the bin, on average.
  double at_risk(int bin) const { return at_risk_s[bin] / AgeBinWidthS(bin); }
};

// What was observed of each category, window by window, and whether its blocks are still used again
// as they were. They are not where two windows in a row have survival curves further from what was
// known than chance would put them: then only those two are known.
//
// The distance is the largest difference of the two curves (Kolmogorov-Smirnov), each from reuses
// over time at risk per age bin: an interval that was open when a window began counts for the ages
// it had in it. Blocks of a request move together, so what counts for chance is requests.
//
// 190 KB. Not thread-safe.
class CategoryWindows {
 public:
  // A window is closed after this time, once it has so many requests. A change is seen after at
  // most three of them, as the first one may begin before it.
  static constexpr double kWindowS = 150;
  static constexpr double kWindowRequests = 100;
  // Least distance that matters: a little more than what an exponential may be off
  // (kExponentialFitDistance), and than the halves of two real traces differ by (.01 to .08,
  // measured on the Mooncake chat trace and a coding-agent trace).
  static constexpr double kDriftDistance = 0.1;
  static constexpr int kWindowsToDrift = 2;

  CategoryWindows() : categories_(kMaxCategories) {}

  void StartRequest(int category, int64_t now_ns);
  // `weight` blocks had these ages in the time that is counted; of them the fit, the category left
  // out, expected so many reuses.
  void AddTimeAtRisk(int category, double from_age_s, double to_age_s, double weight,
                     double expected);
  void AddReuse(int category, double age_s, double weight) {
    categories_[category].current.ended.AddReused(age_s, weight);
  }
  void AddCensored(int category, double age_s, double weight) {
    categories_[category].current.ended.AddCensored(age_s, weight);
  }

  // `elapsed_s` since the last call, of what was known before that `kept` counts still. Closes
  // windows that are long enough. Returns the categories that have changed, until the next call;
  // known() is then what they do now.
  const std::vector<int>& Advance(double elapsed_s, double kept);

  // The closed windows, exponentially forgotten.
  const ObservedWindow& known(int category) const { return categories_[category].known; }
  // Intervals that ended, in all windows.
  IdleHistogram EndedIn(int category) const;
  struct Stats {
    double requests = 0;          // exponentially forgotten
    int64_t last_request_ns = 0;  // 0 = none yet
    double drift_distance = 0;    // of the last closed window
    uint64_t drifts = 0;
    bool is_settling = false;  // changed, and no window has confirmed yet what it does now
  };
  Stats stats(int category) const;

 private:
  struct Category {
    ObservedWindow known;
    ObservedWindow suspect;  // the window before, where it was too far off
    ObservedWindow current;
    int windows_off = 0;  // in a row
    Stats stats;          // without requests
  };
  // Returns whether the category has changed.
  static bool Close(Category* category);

  std::vector<Category> categories_;
  std::vector<int> drifted_;
};

// Largest difference of survival between the two, over the ages at which both have seen enough.
double DriftDistance(const ObservedWindow& a, const ObservedWindow& b);

}  // namespace halflife
