// ModelPolicy: what it tells people about a block and about prices. Changes nothing.

#include <algorithm>

#include "storage/residency/model/model_policy.h"

namespace halflife {
namespace {

constexpr double kNsPerS = 1e9;
// Victims that a price is a mean over, about: one alone is a matter of luck.
constexpr double kPriceVictims = 32;

}  // namespace

void ModelPolicy::NotePrice(Tier tier, const TrackedBlock& victim) {
  double& price = prices_[static_cast<int>(tier)];
  const double index = IndexAt(tier, victim, now_ns_);
  price = has_evicted_[static_cast<int>(tier)] ? price + (index - price) / kPriceVictims : index;
}

std::array<TierPrice, kTierCount> ModelPolicy::Prices(int64_t at_ns) const {
  std::array<TierPrice, kTierCount> prices;
  for (int tier = 0; tier < kTierCount; ++tier) {
    TierPrice& price = prices[tier];
    price.known = has_evicted_[tier];
    price.index = prices_[tier];
    bool any = false;
    for (const uint32_t n : chains_.Fronts(static_cast<Tier>(tier))) {
      const double index = IndexAt(static_cast<Tier>(tier), chains_[n], at_ns);
      price.lowest_index = any ? std::min(price.lowest_index, index) : index;
      price.highest_index = std::max(price.highest_index, index);
      any = true;
    }
  }
  return prices;
}

std::optional<BlockStanding> ModelPolicy::StandingOf(const BlockKey& key, int64_t at_ns) const {
  const uint32_t n = chains_.Find(key);
  if (n == 0 || chains_[n].touches == 0) return std::nullopt;
  const TrackedBlock& block = chains_[n];
  BlockStanding standing;
  standing.touches = block.touches;
  standing.idle_s = block.IdleS(at_ns);
  standing.mean_gap_s = block.mean_gap_s;
  standing.category = block.category;
  standing.index = IndexAt(chains_.InTier(Tier::kDram, n) ? Tier::kDram : Tier::kSsd, block, at_ns);
  standing.released = block.hint.IsRelease();
  standing.demoted = block.hint.IsDemotion();
  const int64_t retained_ns = block.hint.RetainedUntilNs(at_ns) - at_ns;
  standing.retained_s = static_cast<double>(std::max<int64_t>(retained_ns, 0)) / kNsPerS;
  standing.multiplier = MultiplierOfLevel(block.level);
  standing.prices = Prices(at_ns);
  for (int t = 0; t < kTierCount; ++t) {
    const Tier tier = static_cast<Tier>(t);
    standing.in_tier[t] = chains_.InTier(tier, n);
    standing.children[t] = chains_.ChildrenOf(tier, n);
    standing.model_leads[t] = led_[t];
    if (!standing.prices[t].known) continue;
    standing.worth_keeping_s[t] = WorthKeepingS(tier, block, at_ns);
  }
  return standing;
}

// The index is linear between the beginnings of two age bins, hints aside.
std::optional<double> ModelPolicy::WorthKeepingS(Tier tier, const TrackedBlock& block,
                                                 int64_t at_ns) const {
  const double price = prices_[static_cast<int>(tier)];
  const auto index_at = [&](double age_s) {
    return IndexAt(tier, block, block.last_touch_ns() + static_cast<int64_t>(age_s * kNsPerS));
  };
  const double age_s = block.IdleS(at_ns);
  double from_s = age_s;
  double from = index_at(from_s);
  if (from < price) return 0;
  for (int bin = AgeBinOf(age_s) + 1; bin < kAgeBins; ++bin) {
    const double to_s = AgeBinEdgeS(bin);
    const double to = index_at(to_s);
    if (to < price) return from_s + (to_s - from_s) * (from - price) / (from - to) - age_s;
    from_s = to_s;
    from = to;
  }
  return std::nullopt;
}

}  // namespace halflife
