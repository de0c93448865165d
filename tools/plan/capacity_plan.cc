#include "tools/plan/capacity_plan.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "absl/strings/str_format.h"
#include "common/status.h"
#include "tools/plan/spatial_sample.h"
#include "tools/simulate/policies/baselines.h"

namespace halflife::tools {
namespace {

constexpr double kCurveShares[] = {.002, .003, .005, .0075, .01, .015, .02, .03, .05,
                                   .075, .1,   .15,  .2,    .3,  .5,   .75, 1};
constexpr double kErrorBarFrom = .005;
// 8,192 are enough for LRU; the optimum of 16,384 is within 0.5 points on both test traces, of
// 8,192 within 1.1 (20 samples each).
constexpr size_t kOptimumSampleBlocks = 16384;
constexpr uint64_t kSeed = 1;
constexpr int kBisections = 40;

double Ratio(double hits, const ReuseClasses& reuse) {
  return reuse.lookup_blocks > 0 ? hits / reuse.lookup_blocks : 0;
}

std::optional<double> IfAny(double blocks) {
  if (blocks < 0) return std::nullopt;
  return blocks;
}

PlanSize SizeFor(const std::string& policy, const ReuseClasses& reuse, const CapacityPlan& plan,
                 const std::function<double(double hits)>& capacity_for) {
  const auto at = [&](double hit_ratio) {
    return IfAny(capacity_for(std::max(hit_ratio, 0.0) * reuse.lookup_blocks));
  };
  return {policy, at(plan.target_hit_ratio), at(plan.target_hit_ratio - plan.error_ratio),
          at(plan.target_hit_ratio + plan.error_ratio)};
}

std::vector<PlanPoint> CurveOfPlan(const ReuseClasses& reuse, const CapacityCurves& curves,
                                   const RecencyCurve& exact) {
  const CapacityCurves steady = CurvesOf(reuse, Load::kSteady);
  std::vector<PlanPoint> points;
  for (const double share : kCurveShares) {
    PlanPoint point;
    point.share = share;
    point.blocks = std::round(share * static_cast<double>(reuse.unique_blocks));
    if (point.blocks < 1) continue;
    const ExpectedHits halflife = curves.HalflifeAt(point.blocks);
    point.clairvoyant = Ratio(curves.clairvoyant.At(point.blocks).hits, reuse);
    point.halflife = Ratio(halflife.hits, reuse);
    point.lru = Ratio(curves.lru.At(point.blocks).hits, reuse);
    point.exact_lru = exact.HitRatioAt(static_cast<size_t>(point.blocks));
    point.steady_halflife = Ratio(steady.HalflifeAt(point.blocks).hits, reuse);
    point.steady_lru = Ratio(steady.lru.At(point.blocks).hits, reuse);
    point.saved_recompute = reuse.lookup_value > 0 ? halflife.hit_value / reuse.lookup_value : 0;
    point.hits_per_block = halflife.hits_per_block;
    point.value_per_block = halflife.value_per_block;
    points.push_back(point);
  }
  return points;
}

double ErrorOf(const std::vector<PlanPoint>& curve) {
  double error = 0;
  for (const PlanPoint& point : curve) {
    if (point.share >= kErrorBarFrom)
      error = std::max(error, std::abs(point.lru - point.exact_lru));
  }
  return error;
}

// Smallest capacity whose mean time to first token is short enough; negative if there is none.
double CapacityForTtft(const ReuseClasses& reuse, const CapacityCurves& curves,
                       const Hardware& hardware, double ttft_s) {
  const auto ttft = [&](double blocks) {
    return SplitTiers(reuse, curves, hardware, blocks).mean_ttft_s;
  };
  double low = 0;
  double high = static_cast<double>(reuse.unique_blocks);
  if (ttft(high) > ttft_s) return -1;
  for (int i = 0; i < kBisections && high - low > 0.5; ++i) {
    const double middle = (low + high) / 2;
    (ttft(middle) <= ttft_s ? high : low) = middle;
  }
  return high;
}

absl::Status SetTarget(const ReuseClasses& reuse, const CapacityCurves& curves,
                       const PlanTarget& target, const Hardware& hardware, CapacityPlan& plan) {
  const auto unique = static_cast<double>(reuse.unique_blocks);
  if (target.mean_ttft_s.has_value()) {
    const double blocks = CapacityForTtft(reuse, curves, hardware, *target.mean_ttft_s);
    if (blocks < 0) {
      const double least_s = SplitTiers(reuse, curves, hardware, unique).mean_ttft_s;
      return absl::InvalidArgumentError(absl::StrFormat(
          "no cache reaches a mean TTFT of %.3g s: one that keeps everything has %.3g s; ask for "
          "more, or give a faster GPU (--recompute-token-us)",
          *target.mean_ttft_s, least_s));
    }
    plan.target_hit_ratio = Ratio(curves.HalflifeAt(blocks).hits, reuse);
    return absl::OkStatus();
  }
  plan.target_hit_ratio = target.hit_ratio.value_or(0);
  if (plan.target_hit_ratio <= plan.ceiling_hit_ratio) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrFormat(
      "no cache hits %.1f %% of this trace: one that keeps everything hits %.1f %%; ask for less "
      "(--target-hit)",
      100 * plan.target_hit_ratio, 100 * plan.ceiling_hit_ratio));
}

}  // namespace

std::optional<double> SampledOptimumCapacity(const SimulatedTrace& trace, double hit_ratio) {
  const SpatialSample sample = SampleBlocks(trace, kOptimumSampleBlocks, kSeed);
  const auto hits_enough = [&](size_t scaled) {
    const auto cache = MakeOptimalCache({.trace = &sample.trace, .capacity_blocks = scaled});
    return SampledHitRatio(sample, *cache) >= hit_ratio;
  };
  size_t low = 0;
  size_t high = sample.trace.block_count();
  if (!hits_enough(high)) return std::nullopt;
  while (high - low > 1) {
    const size_t middle = (low + high) / 2;
    (hits_enough(middle) ? high : low) = middle;
  }
  return static_cast<double>(high) / sample.rate + static_cast<double>(sample.hot_blocks);
}

absl::StatusOr<CapacityPlan> MakePlan(const SimulatedTrace& trace, const ReuseClasses& reuse,
                                      const PlanTarget& target, const Hardware& hardware) {
  if (trace.requests.front().time_ns == trace.requests.back().time_ns) {
    return absl::InvalidArgumentError(
        "all requests are of one time: a plan is computed from how soon blocks are used again; "
        "give "
        "a longer trace");
  }
  CapacityPlan plan;
  const auto unique = static_cast<double>(reuse.unique_blocks);
  const CapacityCurves curves = CurvesOf(reuse, Load::kTrace);
  const RecencyCurve exact = ExactRecencyCurve(trace);
  plan.ceiling_hit_ratio = exact.HitRatioAt(trace.block_count());
  HL_RETURN_IF_ERROR(SetTarget(reuse, curves, target, hardware, plan));
  plan.curve = CurveOfPlan(reuse, curves, exact);
  plan.error_ratio = ErrorOf(plan.curve);
  plan.optimum_sample_blocks = kOptimumSampleBlocks;
  plan.seed = kSeed;

  PlanSize optimum{"optimum", SampledOptimumCapacity(trace, plan.target_hit_ratio), {}, {}};
  plan.sizes = {std::move(optimum),
                SizeFor("floor", reuse, plan,
                        [&](double hits) { return curves.clairvoyant.CapacityFor(hits, unique); }),
                SizeFor("halflife", reuse, plan,
                        [&](double hits) { return curves.HalflifeCapacityFor(hits, unique); }),
                SizeFor("lru", reuse, plan,
                        [&](double hits) { return curves.lru.CapacityFor(hits, unique); })};
  const std::optional<double> blocks = plan.sizes[2].blocks;
  if (blocks.has_value()) {
    plan.split = SplitTiers(reuse, curves, hardware, *blocks);
    plan.next = curves.HalflifeAt(*blocks);
  }
  return plan;
}

}  // namespace halflife::tools
