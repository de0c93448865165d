#include <memory>
#include <string>

#include "tools/admin/daemon_connection.h"
#include "tools/admin/enum_names.h"
#include "tools/commands/commands.h"

namespace halflife::tools {
namespace {

// Old or never made values are no zeros.
Cell RatioIf(bool known, double ratio) { return known ? Cell::Ratio(ratio) : Cell::None(); }

Table ModelTable(const v1::GetModelResponse& model) {
  const bool has_model = model.state() != v1::MODEL_STATE_UNSPECIFIED;
  Table table = Table::Record("model");
  table.Set("policy", Cell::Text(model.policy()));
  table.Set("state", Cell::Text(ModelStateName(model.state())));
  table.Set("age_seconds",
            model.age_seconds() > 0 ? Cell::Seconds(model.age_seconds()) : Cell::None());
  table.Set("fit_age_seconds", has_model ? Cell::Seconds(model.fit_age_seconds()) : Cell::None());
  table.Set("observed_reuses", Cell::Count(model.observed_reuses()));
  table.Set("watched_requests_ratio", RatioIf(has_model, model.observer_sample_rate()));
  table.Set("ghost_blocks", Cell::Count(model.ghost_blocks()));
  table.Set("model_memory_bytes", Cell::Bytes(model.model_memory_bytes()));
  table.Set("sample_memory_bytes", Cell::Bytes(model.sample_memory_bytes()));
  return table;
}

Table CeilingTable(const v1::HitCeilings& ceilings) {
  const bool any = ceilings.lookup_blocks() > 0;
  Table table = Table::Record("ceilings");
  table.Set("window_seconds", any ? Cell::Seconds(ceilings.window_seconds()) : Cell::None());
  table.Set("lookup_blocks", Cell::Count(ceilings.lookup_blocks()));
  table.Set("sample_ratio", Cell::Ratio(ceilings.sample_rate()));
  table.Set("sampled_blocks", Cell::Count(ceilings.sampled_blocks()));
  table.Set("capacity_blocks", Cell::Count(ceilings.capacity_blocks()));
  table.Set("hit_ratio", RatioIf(any, ceilings.hit_ratio()));
  table.Set("optimal_hit_ratio", RatioIf(any, ceilings.optimal_hit_ratio()));
  table.Set("infinite_hit_ratio", RatioIf(any, ceilings.infinite_hit_ratio()));
  table.Set("lost_to_policy_ratio", RatioIf(any, ceilings.lost_to_policy_ratio()));
  table.Set("lost_to_capacity_ratio", RatioIf(any, ceilings.lost_to_capacity_ratio()));
  table.Set("lost_to_compulsory_ratio", RatioIf(any, ceilings.lost_to_compulsory_ratio()));
  table.Set("lost_otherwise_ratio", RatioIf(any, ceilings.lost_otherwise_ratio()));
  return table;
}

Table TierTable(const v1::GetModelResponse& model) {
  Table table{
      "tiers",
      {"tier", "order", "duel", "model_hit_ratio", "recency_hit_ratio", "switches", "sample_ratio",
       "price_per_block_second", "price_per_gib_second", "lowest_index", "highest_index"},
      {}};
  for (const v1::TierModel& tier : model.tiers()) {
    const auto price = [&tier](double value) {
      return tier.has_price() ? Cell::Number(value) : Cell::None();
    };
    table.AddRow({Cell::Text(TierName(tier.tier())),
                  Cell::Text(tier.model_leads() ? "model" : "recency"), Cell::Bool(tier.duel()),
                  RatioIf(tier.duel(), tier.model_hit_ratio()),
                  RatioIf(tier.duel(), tier.recency_hit_ratio()), Cell::Count(tier.switches()),
                  RatioIf(tier.duel(), tier.sample_rate()), price(tier.price_per_block_second()),
                  price(tier.price_per_gib_second()), Cell::Number(tier.lowest_index()),
                  Cell::Number(tier.highest_index())});
  }
  return table;
}

Table CategoryTable(const v1::GetModelResponse& model) {
  Table table{"categories",
              {"category", "state", "requests", "reuse_probability_ratio", "half_life_seconds",
               "fit_distance_ratio", "fit", "multiplier", "lookup_blocks", "hit_ratio",
               "last_observed_seconds", "drift_distance_ratio", "drifts"},
              {}};
  for (const v1::CategoryModel& category : model.categories()) {
    table.AddRow({Cell::Text(category.name()), Cell::Text(ModelStateName(category.state())),
                  Cell::Number(category.requests()), Cell::Ratio(category.reuse_probability()),
                  Cell::Seconds(category.half_life_seconds()),
                  Cell::Ratio(category.fit_distance_ratio()),
                  Cell::Text(category.uses_exponential() ? "exponential" : "life table"),
                  Cell::Number(category.multiplier()), Cell::Count(category.lookup_blocks()),
                  Cell::Share(category.hit_blocks(), category.lookup_blocks()),
                  Cell::Seconds(category.last_observed_seconds()),
                  Cell::Ratio(category.drift_distance_ratio()), Cell::Count(category.drifts())});
  }
  return table;
}

Table ShadowTable(const v1::GetModelResponse& model) {
  Table table{
      "shadows", {"candidate", "blocks", "live_hit_ratio", "shadow_hit_ratio", "sample_ratio"}, {}};
  for (const v1::ShadowPolicy& shadow : model.shadows()) {
    table.AddRow({Cell::Text(shadow.name()), Cell::Count(shadow.blocks()),
                  Cell::Share(shadow.live_hits(), shadow.blocks()),
                  Cell::Share(shadow.shadow_hits(), shadow.blocks()),
                  Cell::Ratio(shadow.sample_rate())});
  }
  return table;
}

Table WriteBudgetTable(const v1::WriteBudgetUse& use) {
  Table table = Table::Record("write_budget");
  table.Set("bytes_per_day", Cell::Bytes(use.bytes_per_day()));
  table.Set("available_bytes", Cell::Bytes(use.available_bytes()));
  table.Set("used_last_minute_bytes", Cell::Bytes(use.used_last_minute_bytes()));
  table.Set("used_last_day_bytes", Cell::Bytes(use.used_last_day_bytes()));
  table.Set("admitted_blocks", Cell::Count(use.admitted_blocks()));
  table.Set("refused_blocks", Cell::Count(use.refused_blocks()));
  table.Set("score_threshold", Cell::Number(use.score_threshold()));
  table.Set("write_amplification", Cell::Number(use.write_amplification()));
  return table;
}

int RunModel(const Context& context, bool refresh) {
  DaemonConnection daemon(context.endpoint);
  const auto model = daemon.GetModel(refresh);
  if (!model.ok()) return FailDaemon(context.endpoint, model.status());
  Report report{{ModelTable(*model), CeilingTable(model->ceilings()), TierTable(*model),
                 CategoryTable(*model)}};
  if (model->has_write_budget()) {
    report.tables.push_back(WriteBudgetTable(model->write_budget()));
  }
  if (model->shadows_size() > 0) report.tables.push_back(ShadowTable(*model));
  return context.Print(report);
}

}  // namespace

void AddModelCommand(CLI::App& app, Context& context) {
  CLI::App* command = app.add_subcommand(
      "model", "What the daemon's residency model has learnt, and what any cache could have hit");
  auto refresh = std::make_shared<bool>(false);
  command->add_flag("--refresh", *refresh, "Compute it now; else it is up to 15 seconds old");
  context.OnRun(command, [&context, refresh] { return RunModel(context, *refresh); });
}

}  // namespace halflife::tools
