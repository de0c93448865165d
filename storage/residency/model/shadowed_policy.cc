#include "storage/residency/model/shadowed_policy.h"

#include <utility>

namespace halflife {
namespace {

constexpr uint8_t BitOf(Tier tier) { return static_cast<uint8_t>(1 << static_cast<int>(tier)); }

}  // namespace

ShadowedPolicy::ShadowedPolicy(std::unique_ptr<ResidencyPolicy> live,
                               std::vector<Candidate> candidates, size_t sample_blocks)
    : live_(std::move(live)), sample_blocks_(sample_blocks) {
  for (Candidate& candidate : candidates) {
    shadows_.emplace_back(std::move(candidate.name), std::move(candidate.policy));
  }
}

void ShadowedPolicy::OnInsert(Tier tier, const BlockFacts& block) {
  live_->OnInsert(tier, block);
  if (!sample_.Has(block.key.Head())) return;
  held_[block.key] |= BitOf(tier);
  while (held_.size() > sample_blocks_) Thin();
}

void ShadowedPolicy::OnRemove(Tier tier, const BlockKey& key) {
  live_->OnRemove(tier, key);
  const auto held = held_.find(key);
  if (held == held_.end()) return;
  held->second &= static_cast<uint8_t>(~BitOf(tier));
  if (held->second == 0) held_.erase(held);
}

void ShadowedPolicy::OnTouch(const TouchedChain& chain) {
  live_->OnTouch(chain);
  keys_.clear();
  for (const BlockKey& key : chain.keys) {
    if (sample_.Has(key.Head())) keys_.push_back(key);
  }
  if (keys_.empty()) return;
  size_t live_hits = 0;
  while (live_hits < keys_.size() && held_.contains(keys_[live_hits])) ++live_hits;
  TouchedChain sampled = chain;
  sampled.keys = keys_;
  sampled.sampled_share = chain.sampled_share * sample_.rate();
  for (ShadowCache& shadow : shadows_) shadow.Serve(sampled, live_hits, held_.size());
}

void ShadowedPolicy::Thin() {
  sample_.Halve();
  absl::erase_if(held_, [this](const auto& held) { return !sample_.Has(held.first.Head()); });
  for (ShadowCache& shadow : shadows_) shadow.Thin(sample_);
}

std::optional<BlockKey> ShadowedPolicy::NextVictim(Tier tier, int64_t now_ns) {
  return live_->NextVictim(tier, now_ns);
}

bool ShadowedPolicy::AdmitToSsd(const BlockFacts& block, bool has_room, int64_t now_ns) {
  return live_->AdmitToSsd(block, has_room, now_ns);
}

ModelReport ShadowedPolicy::Report(int64_t now_ns) const {
  ModelReport report = live_->Report(now_ns);
  for (const ShadowCache& shadow : shadows_) {
    report.shadows.push_back(shadow.Report(now_ns));
    report.shadows.back().sample_rate = sample_.rate();
    report.memory_bytes += report.shadows.back().memory_bytes;
  }
  return report;
}

}  // namespace halflife
