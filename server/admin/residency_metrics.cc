#include "server/admin/residency_metrics.h"

#include "server/admin/insight_wire.h"
#include "server/admin/metric_words.h"

namespace halflife {
namespace {

void AddCeilings(const HitCeilings& ceilings, MetricPage& page) {
  page.Gauge("halflife_window_hit_ratio",
             "Blocks that were hit, of those looked up in the window of the ceilings.")
      .Add(ceilings.hit_ratio);
  page.Gauge("halflife_infinite_hit_ratio",
             "What a cache without a limit would have hit in that window.")
      .Add(ceilings.infinite_hit_ratio);
  page.Gauge("halflife_optimal_hit_ratio",
             "What the offline optimum would have hit in it with the bytes of both tiers.")
      .Add(ceilings.optimal_hit_ratio);
  page.Gauge("halflife_lost_hit_ratio",
             "Blocks that were missed, of those looked up in it, by cause; with "
             "halflife_window_hit_ratio they add up to 1.")
      .Add(ceilings.lost_to_compulsory_ratio, {{"cause", "compulsory"}})
      .Add(ceilings.lost_to_capacity_ratio, {{"cause", "capacity"}})
      .Add(ceilings.lost_to_policy_ratio, {{"cause", "policy"}})
      .Add(ceilings.lost_otherwise_ratio, {{"cause", "other"}});
  page.Gauge("halflife_window_seconds", "Length of that window.").Add(ceilings.window_s);
  page.Gauge("halflife_window_sample_ratio", "Share of the blocks that the ratios come from.")
      .Add(ceilings.sample_rate);
}

void AddPrices(const NodeFacts& facts, MetricPage& page) {
  const ResidencyReport& report = *facts.residency;
  const int tiers = facts.store.has_ssd ? kTierCount : 1;
  page.Gauge("halflife_tier_price_hits_per_second",
             "Expected hits per second of one more GiB: the index of what had to go lately.");
  for (int t = 0; t < tiers; ++t) {
    if (!report.prices[t].known) continue;
    page.Add(PricePerGib(facts.store, t, report.prices[t]), {{"tier", kTierNames[t]}});
  }
}

void AddState(const ModelReport& model, MetricPage& page) {
  page.Gauge("halflife_policy_model_state", "1 for the state that the model is in.");
  for (const ModelState state :
       {ModelState::kCalibrating, ModelState::kServing, ModelState::kStale}) {
    page.Add(model.state == state ? 1 : 0, {{"state", std::string(NameOf(state))}});
  }
  page.Gauge("halflife_policy_model_fit_age_seconds", "Age of the fit that is in use.")
      .Add(model.fit_age_s);
  page.Counter("halflife_policy_model_reuses_total", "Reuses of blocks that the model observed.")
      .Add(D(model.observed_reuses));
  page.Gauge("halflife_policy_model_ghost_blocks", "Blocks that are gone and still watched.")
      .Add(D(model.ghosts));
  page.Gauge("halflife_policy_model_memory_bytes", "Memory of the policy.")
      .Add(D(model.memory_bytes));
}

void AddDuels(const NodeFacts& facts, MetricPage& page) {
  const auto& duels = facts.residency->model.duels;
  const int tiers = facts.store.has_ssd ? kTierCount : 1;
  page.Gauge("halflife_policy_model_leads", "1 if a tier follows the model, 0 if recency.");
  for (int t = 0; t < tiers; ++t) {
    page.Add(duels[t].model_leads ? 1 : 0, {{"tier", kTierNames[t]}});
  }
  page.Counter("halflife_policy_switches_total",
               "How often a tier went from the model to recency or back.");
  for (int t = 0; t < tiers; ++t) {
    page.Add(D(duels[t].switches), {{"tier", kTierNames[t]}});
  }
  page.Gauge("halflife_shadow_hit_ratio",
             "Hit ratio of miniature caches on a hash sample, by the order that they follow.");
  for (int t = 0; t < tiers; ++t) {
    if (!duels[t].fights) continue;
    page.Add(duels[t].model_hit_ratio, {{"policy", "model"}, {"tier", kTierNames[t]}});
    page.Add(duels[t].recency_hit_ratio, {{"policy", "recency"}, {"tier", kTierNames[t]}});
  }
}

void AddShadows(const ModelReport& model, MetricPage& page) {
  if (model.shadows.empty()) return;
  page.Gauge("halflife_candidate_hit_ratio",
             "Hit ratio of a candidate configuration on a hash sample.");
  for (const ShadowReport& shadow : model.shadows) {
    page.Add(shadow.recent_shadow_hit_ratio, {{"candidate", shadow.name}});
  }
  page.Gauge("halflife_candidate_live_hit_ratio",
             "Hit ratio of the configuration in force on the sample of a candidate.");
  for (const ShadowReport& shadow : model.shadows) {
    page.Add(shadow.recent_live_hit_ratio, {{"candidate", shadow.name}});
  }
}

// Of the categories that have series of their own.
void AddCategories(const ModelReport& model, const std::vector<std::string>& names,
                   const CategoryFold& fold, MetricPage& page) {
  const auto each = [&](auto add) {
    for (const CategoryReport& category : model.categories) {
      if (category.category >= names.size()) continue;
      const std::string& name = names[category.category];
      if (fold.IsOwn(name)) add(name, category);
    }
  };
  page.Gauge("halflife_policy_model_parameter", "What the model knows about a category.");
  each([&page](const std::string& name, const CategoryReport& category) {
    const auto add = [&](const char* parameter, double value) {
      page.Add(value, {{"category", name}, {"parameter", parameter}});
    };
    add("reuse_probability", category.reuse.reuse_probability);
    add("half_life_seconds", category.reuse.half_life_s);
    add("rate_per_second", category.reuse.exponential.rate_per_s);
    add("multiplier", category.multiplier);
  });
  page.Gauge("halflife_policy_model_samples",
             "Requests that were observed of a category; one of an hour ago counts half.");
  each([&page](const std::string& name, const CategoryReport& category) {
    page.Add(category.requests, {{"category", name}});
  });
  page.Gauge("halflife_policy_model_fit_distance_ratio",
             "Largest distance between the exponential and the life table of a category.");
  each([&page](const std::string& name, const CategoryReport& category) {
    page.Add(category.reuse.fit_distance, {{"category", name}});
  });
  page.Gauge("halflife_policy_model_drift_distance_ratio",
             "Largest distance between what a category did lately and before.");
  each([&page](const std::string& name, const CategoryReport& category) {
    page.Add(category.drift_distance, {{"category", name}});
  });
}

}  // namespace

void AddResidency(const NodeFacts& facts, const std::vector<std::string>& names,
                  const CategoryFold& fold, MetricPage& page) {
  if (facts.residency == nullptr || facts.residency->made_ns == 0) return;
  if (facts.residency->ceilings.lookup_blocks > 0) AddCeilings(facts.residency->ceilings, page);
  AddPrices(facts, page);
  const ModelReport& model = facts.residency->model;
  AddShadows(model, page);
  if (!model.has_model) return;
  AddState(model, page);
  AddDuels(facts, page);
  AddCategories(model, names, fold, page);
}

}  // namespace halflife
