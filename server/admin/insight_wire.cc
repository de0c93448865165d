#include "server/admin/insight_wire.h"

#include <algorithm>
#include <numeric>

#include "common/hashing.h"
#include "server/rpc/store_wire.h"

namespace halflife {
namespace {

constexpr double kNsPerS = 1e9;
constexpr double kGibBytes = 1024.0 * 1024 * 1024;
constexpr v1::Tier kTiers[kTierCount] = {v1::TIER_DRAM, v1::TIER_SSD};

uint64_t Sum(const auto& counts) {
  return std::accumulate(counts.begin(), counts.end(), uint64_t{0});
}

double SecondsBetween(int64_t from_ns, int64_t to_ns) {
  return static_cast<double>(std::max<int64_t>(to_ns - from_ns, 0)) / kNsPerS;
}

void CeilingsToWire(const HitCeilings& ceilings, v1::HitCeilings* message) {
  message->set_window_seconds(ceilings.window_s);
  message->set_lookup_blocks(ceilings.lookup_blocks);
  message->set_sampled_blocks(ceilings.sampled_blocks);
  message->set_sample_rate(ceilings.sample_rate);
  message->set_hit_ratio(ceilings.hit_ratio);
  message->set_infinite_hit_ratio(ceilings.infinite_hit_ratio);
  message->set_optimal_hit_ratio(ceilings.optimal_hit_ratio);
  message->set_capacity_blocks(ceilings.capacity_blocks);
  message->set_lost_to_compulsory_ratio(ceilings.lost_to_compulsory_ratio);
  message->set_lost_to_capacity_ratio(ceilings.lost_to_capacity_ratio);
  message->set_lost_to_policy_ratio(ceilings.lost_to_policy_ratio);
  message->set_lost_otherwise_ratio(ceilings.lost_otherwise_ratio);
}

v1::ModelState StateToWire(ModelState state) {
  switch (state) {
    case ModelState::kCalibrating:
      return v1::MODEL_STATE_CALIBRATING;
    case ModelState::kServing:
      return v1::MODEL_STATE_SERVING;
    case ModelState::kStale:
      return v1::MODEL_STATE_STALE;
  }
  return v1::MODEL_STATE_UNSPECIFIED;
}

void CategoryToWire(const CategoryReport& category, const StoreStats& store,
                    v1::CategoryModel* message) {
  message->set_state(StateToWire(category.state));
  message->set_requests(category.requests);
  message->set_reuse_probability(category.reuse.reuse_probability);
  message->set_half_life_seconds(category.reuse.half_life_s);
  message->set_fit_distance_ratio(category.reuse.fit_distance);
  message->set_uses_exponential(category.reuse.uses_exponential);
  message->set_multiplier(category.multiplier);
  message->set_last_observed_seconds(category.last_observed_age_s);
  message->set_drift_distance_ratio(category.drift_distance);
  message->set_drifts(category.drifts);
  if (category.category >= store.categories.size()) return;
  const CategoryStats& stats = store.categories[category.category];
  const uint64_t hits = Sum(stats.lookup_blocks_hit);
  message->set_name(stats.name);
  message->set_lookup_blocks(hits + Sum(stats.lookup_blocks_missed));
  message->set_hit_blocks(hits);
}

void DuelToWire(const DuelReport& duel, v1::TierModel* message) {
  message->set_duel(duel.fights);
  message->set_model_leads(duel.model_leads);
  message->set_model_hit_ratio(duel.model_hit_ratio);
  message->set_recency_hit_ratio(duel.recency_hit_ratio);
  message->set_switches(duel.switches);
  message->set_sample_rate(duel.sample_rate);
}

void ShadowToWire(const ShadowReport& shadow, v1::ShadowPolicy* message) {
  message->set_name(shadow.name);
  message->set_blocks(shadow.blocks);
  message->set_live_hits(shadow.live_hits);
  message->set_shadow_hits(shadow.shadow_hits);
  message->set_sample_rate(shadow.sample_rate);
}

void LearntToWire(const ModelReport& model, const StoreStats& store,
                  v1::GetModelResponse* response) {
  for (const ShadowReport& shadow : model.shadows) ShadowToWire(shadow, response->add_shadows());
  if (!model.has_model) return;
  response->set_state(StateToWire(model.state));
  response->set_observed_reuses(model.observed_reuses);
  response->set_observer_sample_rate(model.observer_sample_rate);
  response->set_fit_age_seconds(model.fit_age_s);
  response->set_ghost_blocks(model.ghosts);
  response->set_model_memory_bytes(model.memory_bytes);
  for (const CategoryReport& category : CategoriesByRequests(model)) {
    CategoryToWire(category, store, response->add_categories());
  }
}

void PriceToWire(const StoreStats& store, int tier, const TierPrice& price,
                 v1::TierModel* message) {
  message->set_has_price(price.known);
  message->set_price_per_block_second(price.index);
  message->set_price_per_gib_second(PricePerGib(store, tier, price));
  message->set_lowest_index(price.lowest_index);
  message->set_highest_index(price.highest_index);
}

void WriteBudgetToWire(const AdmissionStats& admission, v1::WriteBudgetUse* message) {
  message->set_bytes_per_day(admission.budget_bytes_per_day);
  message->set_available_bytes(admission.available_bytes);
  message->set_used_last_minute_bytes(admission.minute_bytes);
  message->set_used_last_day_bytes(admission.day_bytes);
  message->set_admitted_blocks(admission.admitted_blocks);
  message->set_refused_blocks(admission.refused_blocks);
  message->set_score_threshold(admission.score_threshold);
  message->set_write_amplification(admission.write_amplification);
}

void StandingToWire(const BlockStanding& standing, const CategoryNamesByNumber& names,
                    v1::BlockStanding* message) {
  message->set_touches(standing.touches);
  message->set_idle_seconds(standing.idle_s);
  message->set_mean_gap_seconds(standing.mean_gap_s);
  message->set_category(NameOfCategory(names, standing.category));
  message->set_index(standing.index);
  message->set_multiplier(standing.multiplier);
  message->set_released(standing.released);
  message->set_demoted(standing.demoted);
  message->set_retained_seconds(standing.retained_s);
  for (int t = 0; t < kTierCount; ++t) {
    v1::TierStanding* tier = message->add_tiers();
    tier->set_tier(kTiers[t]);
    tier->set_present(standing.in_tier[t]);
    tier->set_children(standing.children[t]);
    tier->set_model_leads(standing.model_leads[t]);
    if (standing.prices[t].known) tier->set_price(standing.prices[t].index);
    if (standing.worth_keeping_s[t]) {
      tier->set_worth_keeping_seconds(*standing.worth_keeping_s[t]);
    }
  }
}

}  // namespace

std::vector<CategoryReport> CategoriesByRequests(const ModelReport& model) {
  std::vector<CategoryReport> categories = model.categories;
  std::stable_sort(categories.begin(), categories.end(),
                   [](const auto& a, const auto& b) { return a.requests > b.requests; });
  return categories;
}

double PricePerGib(const StoreStats& store, int tier, const TierPrice& price) {
  if (store.resident_blocks[tier] == 0) return 0;
  const double block_bytes = static_cast<double>(store.resident_bytes[tier]) /
                             static_cast<double>(store.resident_blocks[tier]);
  return price.index * kGibBytes / block_bytes;
}

std::string NameOfCategory(const CategoryNamesByNumber& names, Category category) {
  return category < names.size() ? names[category] : names.empty() ? "unknown" : names[0];
}

void ModelToWire(const NodeFacts& facts, int64_t now_ns, v1::GetModelResponse* response) {
  response->set_policy(facts.policy);
  if (facts.store.admission.budget_bytes_per_day > 0) {
    WriteBudgetToWire(facts.store.admission, response->mutable_write_budget());
  }
  if (facts.residency == nullptr) return;
  const ResidencyReport& report = *facts.residency;
  if (report.made_ns > 0) response->set_age_seconds(SecondsBetween(report.made_ns, now_ns));
  for (int t = 0; t < (facts.store.has_ssd ? 2 : 1); ++t) {
    v1::TierModel* tier = response->add_tiers();
    tier->set_tier(kTiers[t]);
    DuelToWire(report.model.duels[t], tier);
    PriceToWire(facts.store, t, report.prices[t], tier);
  }
  LearntToWire(report.model, facts.store, response);
  CeilingsToWire(report.ceilings, response->mutable_ceilings());
  response->set_sample_memory_bytes(report.sample_memory_bytes);
}

void ExplanationToWire(const BlockExplanation& explained, const CategoryNamesByNumber& names,
                       v1::BlockExplanation* message) {
  message->set_hash(std::string(AsText(explained.hash.bytes)));
  message->set_in_dram(explained.in_dram);
  message->set_on_ssd(explained.on_ssd);
  if (explained.standing) {
    StandingToWire(*explained.standing, names, message->mutable_standing());
  }
  if (!explained.is_here()) {
    message->set_missing(MissReasonToWire(explained.reason));
    message->set_gone_seconds(explained.gone_s);
    return;
  }
  message->set_pinned(explained.pinned);
  message->set_depth(explained.depth);
  message->set_bytes(explained.bytes);
  message->set_hits(explained.hits);
  message->set_category(NameOfCategory(names, explained.category));
  message->set_age_seconds(explained.age_s);
  message->set_idle_seconds(explained.idle_s);
  message->set_first(explained.is_first);
  message->set_parent_here(explained.parent_is_here);
}

void MissToWire(const RecentMiss& miss, int64_t now_ns, const CategoryNamesByNumber& names,
                v1::Miss* message) {
  message->set_age_seconds(SecondsBetween(miss.time_ns, now_ns));
  message->set_namespace_id(std::string(AsText(miss.ns.bytes)));
  message->set_hash(std::string(AsText(miss.hash.bytes)));
  message->set_group(miss.group);
  message->set_depth(miss.depth);
  message->set_hit_blocks(miss.hit_blocks);
  message->set_missed_blocks(miss.missed_blocks);
  message->set_category(NameOfCategory(names, miss.category));
  message->set_reason(MissReasonToWire(miss.reason));
}

}  // namespace halflife
