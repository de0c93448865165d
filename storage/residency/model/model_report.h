#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/block/attributes.h"
#include "storage/residency/model/reuse_summary.h"
#include "storage/residency/residency_policy.h"

namespace halflife {

class RetentionDuel;
class ReuseObserver;

// How far what has been learnt may be trusted.
enum class ModelState : uint8_t {
  kCalibrating,  // too little was observed, or its behaviour has just changed
  kServing,      // in use
  kStale,        // nothing was observed for a long time: what is known may no longer be true
};
std::string_view NameOf(ModelState state);

// Ended idle intervals before the model is followed; and in its fit before it refuses a write.
inline constexpr uint64_t kModelCalibratingReuses = 256;
// Requests of a category before it serves: thrice the evidence of the prior that draws its factor
// to 1 (hazard_estimator.cc).
inline constexpr double kCategoryCalibratingRequests = 30;
// Without a request for so long, half of what is known would have been replaced
// (HazardEstimator::kHalfLifeS).
inline constexpr double kStaleAfterS = 3600;

// One category as the model sees it. Its name is the CategoryTable's.
struct CategoryReport {
  Category category = kUnknownCategory;
  ModelState state = ModelState::kCalibrating;
  double requests = 0;  // observed; an hour ago counts half
  // Reuse probability, half-life, the distance of the exponential to the life table and which of
  // the two describes the category.
  ReuseSummary reuse;
  // Its factor in the hazard of reuse: 2 = blocks come back twice as soon as the same history under
  // another category would say.
  double multiplier = 1;
  double last_observed_age_s = 0;  // since its last request
  // Largest difference between what blocks did in the last closed drift window and what was learnt
  // before, as survival; and how often it was found to have changed.
  double drift_distance = 0;
  uint64_t drifts = 0;
};

// Model against recency in one tier (RetentionDuel).
struct DuelReport {
  bool fights = false;  // not before the tier is full
  bool model_leads = false;
  // Of the sampled blocks, weighted by what a hit is worth, half as much after 30 minutes.
  double model_hit_ratio = 0;
  double recency_hit_ratio = 0;
  uint64_t switches = 0;
  double sample_rate = 1;
};

// A candidate configuration that runs beside the live one on a hash sample (ShadowedPolicy).
struct ShadowReport {
  std::string name;
  uint64_t blocks = 0;  // sampled references that both were asked for
  uint64_t live_hits = 0;
  uint64_t shadow_hits = 0;
  // The same as recompute time, in units of a first block's: of all references, and thereof saved.
  double recompute = 0;
  double live_saved = 0;
  double shadow_saved = 0;
  // The same with what is long past forgotten: half as much after an hour.
  double recent_live_hit_ratio = 0;
  double recent_shadow_hit_ratio = 0;
  double sample_rate = 1;
  size_t memory_bytes = 0;

  // What the hit ratio would have been higher by.
  double gain() const {
    if (blocks == 0) return 0;
    return (static_cast<double>(shadow_hits) - static_cast<double>(live_hits)) /
           static_cast<double>(blocks);
  }
  // What the share of recompute time saved would have been higher by.
  double saved_gain() const { return recompute > 0 ? (shadow_saved - live_saved) / recompute : 0; }
};

// What a residency policy has learnt and does: a value for those who show it.
struct ModelReport {
  bool has_model = false;  // else only `shadows` says anything: recency, wa
  ModelState state = ModelState::kCalibrating;
  uint64_t observed_reuses = 0;
  double observer_sample_rate = 1;         // share of the requests whose blocks are watched
  double fit_age_s = 0;                    // of the fit in use
  double last_observed_age_s = 0;          // since the last request
  std::vector<CategoryReport> categories;  // those that were observed, by number
  std::array<DuelReport, kTierCount> duels;
  std::vector<ShadowReport> shadows;
  size_t ghosts = 0;  // blocks that are gone and still watched
  size_t memory_bytes = 0;
};

// What an observer knows, and what it may be trusted with.
ModelReport ReportOn(const ReuseObserver& observer, int64_t now_ns);
ModelState StateOf(const ReuseObserver& observer, int64_t now_ns);
DuelReport ReportOn(const RetentionDuel& duel);

}  // namespace halflife
