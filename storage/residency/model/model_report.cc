#include "storage/residency/model/model_report.h"

#include <algorithm>

#include "storage/residency/model/retention_duel.h"
#include "storage/residency/model/reuse_observer.h"

namespace halflife {
namespace {

double SecondsSince(int64_t then_ns, int64_t now_ns) {
  return static_cast<double>(std::max<int64_t>(now_ns - then_ns, 0)) / 1e9;
}

double RatioOf(double hits, double served) { return served > 0 ? hits / served : 0; }

}  // namespace

std::string_view NameOf(ModelState state) {
  switch (state) {
    case ModelState::kServing:
      return "serving";
    case ModelState::kStale:
      return "stale";
    case ModelState::kCalibrating:
      break;
  }
  return "calibrating";
}

namespace {

CategoryReport ReportOf(const ReuseObserver& observer, Category category, int64_t now_ns) {
  const CategoryWindows::Stats activity = observer.activity(category);
  CategoryReport report;
  report.category = category;
  report.requests = activity.requests;
  report.last_observed_age_s = SecondsSince(activity.last_request_ns, now_ns);
  report.drift_distance = activity.drift_distance;
  report.drifts = activity.drifts;
  report.multiplier = observer.fit().multiplier[kCategoryFactor][category];
  report.reuse = SummariseReuse(observer.intervals(category),
                                SecondsSince(observer.first_observed_ns(), now_ns));
  if (report.last_observed_age_s > kStaleAfterS) {
    report.state = ModelState::kStale;
  } else if (activity.requests >= kCategoryCalibratingRequests && !activity.is_settling) {
    report.state = ModelState::kServing;
  }
  return report;
}

// More than half of the requests are of categories that have just changed.
bool IsSettling(const ReuseObserver& observer) {
  double all = 0, settling = 0;
  for (int category = 0; category < kMaxCategories; ++category) {
    const CategoryWindows::Stats activity = observer.activity(category);
    all += activity.requests;
    if (activity.is_settling) settling += activity.requests;
  }
  return 2 * settling > all;
}

}  // namespace

ModelState StateOf(const ReuseObserver& observer, int64_t now_ns) {
  if (observer.reuses() < kModelCalibratingReuses) return ModelState::kCalibrating;
  if (SecondsSince(observer.last_observed_ns(), now_ns) > kStaleAfterS) return ModelState::kStale;
  return IsSettling(observer) ? ModelState::kCalibrating : ModelState::kServing;
}

ModelReport ReportOn(const ReuseObserver& observer, int64_t now_ns) {
  ModelReport report;
  report.has_model = true;
  report.state = StateOf(observer, now_ns);
  report.observed_reuses = observer.reuses();
  report.observer_sample_rate = observer.sample_rate();
  if (observer.refitted_ns() > 0) {
    report.fit_age_s = SecondsSince(observer.refitted_ns(), now_ns);
  }
  report.last_observed_age_s = SecondsSince(observer.last_observed_ns(), now_ns);
  for (Category category = 0; category < kMaxCategories; ++category) {
    if (observer.activity(category).last_request_ns == 0) continue;
    report.categories.push_back(ReportOf(observer, category, now_ns));
  }
  return report;
}

DuelReport ReportOn(const RetentionDuel& duel) {
  const RetentionDuel::Stats stats = duel.stats();
  DuelReport report;
  report.fights = true;
  report.model_leads = duel.model_leads();
  report.model_hit_ratio = RatioOf(stats.model_hits, stats.served);
  report.recency_hit_ratio = RatioOf(stats.recency_hits, stats.served);
  report.switches = stats.switches;
  report.sample_rate = stats.sample_rate;
  return report;
}

}  // namespace halflife
