#include "storage/residency/model/wa_policy.h"

#include <algorithm>
#include <cmath>

namespace halflife {
namespace {

constexpr double kNsPerS = 1e9;
// The paper fits the reuse times of blocks. Weighted by request instead, 1/n each, the few blocks
// that everybody shares are a fifth of all intervals and hide how categories differ: hit ratio on
// the Mooncake conversation trace .062 instead of .093 at 1 % and .089 instead of .127 at 2 %.
constexpr float kBlockWeight = 1;
constexpr int64_t kRefitPeriodNs = static_cast<int64_t>(ReuseObserver::kRefitPeriodS * kNsPerS);

}  // namespace

WaPolicy::WaPolicy(const Options& options)
    : options_(options), chains_(this, kMaxCategories, options.min_ghosts, options.ledger) {}

RetentionRank WaPolicy::RankOf(Tier tier, const TrackedBlock& block, int64_t at_ns) const {
  const DefectiveExponential& fit = fits_[block.category];
  if (fit.rate_per_s <= 0) return {0, block.last_touch_ns()};  // nothing known: recency
  const double age_s = block.IdleS(at_ns);
  const double reuse_probability = fit.reuse_probability * std::exp(-fit.rate_per_s * age_s) *
                                   -std::expm1(-fit.rate_per_s * options_.life_s);
  return {reuse_probability, -static_cast<int64_t>(block.depth)};
}

void WaPolicy::OnTouch(const TouchedChain& chain) {
  if (chain.keys.empty()) return;
  now_ns_ = std::max(now_ns_, chain.now_ns);
  RefitWhenDue(now_ns_);
  numbers_.clear();
  for (const BlockKey& key : chain.keys) {
    numbers_.push_back(chains_.FindOrAdd(key, chain.DepthOf(numbers_.size())));
  }
  const auto category = std::min<Category>(chain.category, kMaxCategories - 1);
  ReuseObserver::CohortId cohort = 0;
  if (observer_.Samples(chain.keys.back().Head())) {
    observer_.StartRequest(category, now_ns_);
    cohort = observer_.Open(now_ns_, {0, FeaturesOf(category, 0, 0), 1}, kBlockWeight);
  }
  // From the last block to the first, so that each parent ends up behind its child.
  for (auto at = numbers_.rbegin(); at != numbers_.rend(); ++at) {
    chains_.Unqueue(*at);
    TrackedBlock& block = chains_[*at];
    observer_.EndInReuse(block.cohort, now_ns_);
    block.cohort = cohort;
    if (cohort != 0) observer_.Join(cohort);
    if (block.touches < UINT8_MAX) ++block.touches;
    block.set_last_touch_ns(now_ns_);
    block.category = static_cast<uint8_t>(category);
    chains_.Requeue(*at);
  }
  ForgetGhosts();
}

void WaPolicy::RefitWhenDue(int64_t now_ns) {
  if (refitted_ && now_ns < refit_due_ns_) return;
  refitted_ = true;
  refit_due_ns_ = now_ns + kRefitPeriodNs;
  observer_.Refit(now_ns);
  for (int category = 0; category < kMaxCategories; ++category) {
    fits_[category] = FitDefectiveExponential(observer_.intervals(category));
  }
  chains_.RanksChanged();
}

void WaPolicy::OnInsert(Tier tier, const BlockFacts& facts) {
  const uint32_t n = chains_.FindOrAdd(facts.key, facts.depth);
  TrackedBlock& block = chains_[n];
  if (block.touches == 0) {  // nobody named it: restored from SSD, or put without a look-up
    block.touches = 1;
    block.set_last_touch_ns(facts.last_touch_ns);
    block.category = static_cast<uint8_t>(std::min<Category>(facts.category, kMaxCategories - 1));
  }
  chains_.Insert(tier, n, facts);
}

void WaPolicy::OnRemove(Tier tier, const BlockKey& key) {
  chains_.Remove(tier, key);
  ForgetGhosts();
}

void WaPolicy::ForgetGhosts() {
  while (const uint32_t n = chains_.GhostToForget()) {
    observer_.EndUnseen(chains_[n].cohort, now_ns_);
    chains_.Forget(n);
  }
}

std::optional<BlockKey> WaPolicy::NextVictim(Tier tier, int64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  const uint32_t n = chains_.Lowest(tier, now_ns_);
  if (n == 0) return std::nullopt;
  return chains_.KeyOf(n);
}

std::optional<BlockKey> WaPolicy::NextVictimUnder(uint16_t limit, int64_t now_ns) {
  now_ns_ = std::max(now_ns_, now_ns);
  const uint32_t n = chains_.LowestUnder(limit, now_ns_);
  if (n == 0) return std::nullopt;
  return chains_.KeyOf(n);
}

ModelReport WaPolicy::Report(int64_t now_ns) const {
  ModelReport report = ReportOn(observer_, now_ns);
  report.ghosts = chains_.ghosts();
  report.memory_bytes = sizeof *this + chains_.memory_bytes() + observer_.memory_bytes();
  return report;
}

}  // namespace halflife
