#include "storage/residency/model/shadow_cache.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace halflife {
namespace {

constexpr double kRecentHalfLifeS = 3600;  // as the model forgets (HazardEstimator::kHalfLifeS)

// Recompute time of the sampled blocks [0, end), each of which stands for those around it.
double SavedBy(const TouchedChain& sampled, size_t end) {
  double saved = 0;
  for (size_t i = 0; i < end; ++i)
    saved += RecomputeValue(sampled.DepthOf(i), sampled.block_tokens);
  return saved;
}

}  // namespace

ShadowCache::ShadowCache(std::string name, std::unique_ptr<ResidencyPolicy> policy)
    : policy_(std::move(policy)) {
  counted_.name = std::move(name);
}

void ShadowCache::Serve(const TouchedChain& sampled, size_t live_hits, size_t capacity_blocks) {
  EvictDownTo(capacity_blocks, sampled.now_ns);
  policy_->OnTouch(sampled);
  if (is_full_) Count(sampled, live_hits, Hits(sampled));
  Hold(sampled);
}

size_t ShadowCache::Hits(const TouchedChain& sampled) const {
  size_t hits = 0;
  while (hits < sampled.keys.size() && held_.contains(sampled.keys[hits])) ++hits;
  return hits;
}

void ShadowCache::Hold(const TouchedChain& sampled) {
  for (size_t i = 0; i < sampled.keys.size(); ++i) {
    if (!held_.insert(sampled.keys[i]).second) continue;
    BlockFacts facts;
    facts.key = sampled.keys[i];
    if (i > 0) facts.parent = sampled.keys[i - 1];
    facts.depth = sampled.DepthOf(i);
    facts.category = sampled.category;
    facts.last_touch_ns = sampled.now_ns;
    policy_->OnInsert(Tier::kDram, facts);
  }
}

void ShadowCache::EvictDownTo(size_t capacity_blocks, int64_t now_ns) {
  while (held_.size() > capacity_blocks) {
    const std::optional<BlockKey> victim = policy_->NextVictim(Tier::kDram, now_ns);
    if (!victim) return;
    policy_->OnRemove(Tier::kDram, *victim);
    held_.erase(*victim);
    is_full_ = true;
  }
}

void ShadowCache::Count(const TouchedChain& sampled, size_t live_hits, size_t shadow_hits) {
  const double elapsed_s = static_cast<double>(sampled.now_ns - counted_ns_) / 1e9;
  const double kept = std::exp2(-std::max(elapsed_s, 0.0) / kRecentHalfLifeS);
  counted_ns_ = std::max(counted_ns_, sampled.now_ns);
  recent_blocks_ = recent_blocks_ * kept + static_cast<double>(sampled.keys.size());
  recent_live_hits_ = recent_live_hits_ * kept + static_cast<double>(live_hits);
  recent_shadow_hits_ = recent_shadow_hits_ * kept + static_cast<double>(shadow_hits);
  counted_.blocks += sampled.keys.size();
  counted_.live_hits += live_hits;
  counted_.shadow_hits += shadow_hits;
  counted_.recompute += SavedBy(sampled, sampled.keys.size());
  counted_.live_saved += SavedBy(sampled, live_hits);
  counted_.shadow_saved += SavedBy(sampled, shadow_hits);
}

void ShadowCache::Thin(const HashSample& sample) {
  for (auto at = held_.begin(); at != held_.end();) {
    if (sample.Has(at->Head())) {
      ++at;
      continue;
    }
    policy_->OnRemove(Tier::kDram, *at);
    held_.erase(at++);
  }
}

ShadowReport ShadowCache::Report(int64_t now_ns) const {
  ShadowReport report = counted_;
  if (recent_blocks_ > 0) {
    report.recent_live_hit_ratio = recent_live_hits_ / recent_blocks_;
    report.recent_shadow_hit_ratio = recent_shadow_hits_ / recent_blocks_;
  }
  report.memory_bytes = sizeof *this + policy_->Report(now_ns).memory_bytes +
                        held_.capacity() * (sizeof(BlockKey) + 1);
  return report;
}

}  // namespace halflife
