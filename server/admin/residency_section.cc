#include "server/admin/residency_section.h"

#include "absl/strings/str_format.h"
#include "common/html.h"
#include "common/strings.h"
#include "server/admin/html_table.h"
#include "server/admin/insight_wire.h"

namespace halflife {
namespace {

constexpr size_t kShownCategories = 32;
constexpr const char* kTierNames[kTierCount] = {"DRAM", "SSD"};

std::string Score(double value) { return absl::StrFormat("%.3g", value); }

std::string Seconds(double seconds) {
  return absl::FormatDuration(absl::Seconds(static_cast<int64_t>(seconds)));
}

std::string Ceilings(const HitCeilings& ceilings) {
  if (ceilings.lookup_blocks == 0) return "<p class=\"note\">Nothing was looked up yet.</p>\n";
  HtmlTable table({"of the blocks looked up lately", "share"});
  table.Row({"hit", Percent(ceilings.hit_ratio)});
  table.Row({StrCat("hit by the offline optimum of ", Number(ceilings.capacity_blocks), " blocks"),
             Percent(ceilings.optimal_hit_ratio)});
  table.Row({"hit by a cache without a limit", Percent(ceilings.infinite_hit_ratio)});
  table.Row({"missed: the optimum would have hit", Percent(ceilings.lost_to_policy_ratio)});
  table.Row(
      {"missed: the optimum too, for want of room", Percent(ceilings.lost_to_capacity_ratio)});
  table.Row({"missed: never seen before", Percent(ceilings.lost_to_compulsory_ratio)});
  table.Row({"missed: deleted, damaged or not served", Percent(ceilings.lost_otherwise_ratio)});
  return StrCat(table.Html(), "<p class=\"note\">", Number(ceilings.lookup_blocks), " blocks in ",
                Seconds(ceilings.window_s), "; ", Number(ceilings.sampled_blocks),
                " of them sampled.</p>\n");
}

std::string Tiers(const NodeFacts& facts) {
  const ResidencyReport& report = *facts.residency;
  HtmlTable table({"tier", "order", "sampled hits: model", "recency", "switches",
                   "price of a block", "of 1 GiB", "scores of those to go next"});
  for (int t = 0; t < (facts.store.has_ssd ? kTierCount : 1); ++t) {
    const TierPrice& price = report.prices[t];
    const DuelReport& duel = report.model.duels[t];
    table.Row({kTierNames[t], duel.model_leads ? "model" : "recency",
               duel.fights ? Percent(duel.model_hit_ratio) : "–",
               duel.fights ? Percent(duel.recency_hit_ratio) : "–", Number(duel.switches),
               price.known ? Score(price.index) : "–",
               price.known ? Score(PricePerGib(facts.store, t, price)) : "–",
               StrCat(Score(price.lowest_index), " to ", Score(price.highest_index))});
  }
  return table.Html() +
         "<p class=\"note\">A score is what keeping a block is expected to hit per second; the "
         "price is the score of what had to go lately.</p>\n";
}

std::string Categories(const NodeFacts& facts) {
  const ModelReport& model = facts.residency->model;
  if (!model.has_model) return "";
  HtmlTable table({"category", "state", "requests observed", "reuse probability", "half-life",
                   "fit distance", "fit", "factor"});
  size_t shown = 0;
  for (const CategoryReport& category : CategoriesByRequests(model)) {
    if (category.category >= facts.store.categories.size()) continue;
    if (++shown > kShownCategories) break;
    table.Row({facts.store.categories[category.category].name, std::string(NameOf(category.state)),
               absl::StrFormat("%.0f", category.requests),
               Percent(category.reuse.reuse_probability), Seconds(category.reuse.half_life_s),
               Percent(category.reuse.fit_distance),
               category.reuse.uses_exponential ? "exponential" : "life table",
               Score(category.multiplier)});
  }
  return StrCat("<p>The model is <b>", NameOf(model.state), "</b>: ", Number(model.observed_reuses),
                " reuses observed, fitted ", Seconds(model.fit_age_s), " ago.</p>\n",
                shown == 0 ? "" : table.Html());
}

}  // namespace

std::string RenderResidency(const NodeFacts& facts) {
  const std::string head = StrCat("<h2>Residency: ", EscapeHtml(facts.policy), "</h2>\n");
  if (facts.residency == nullptr || facts.residency->made_ns == 0) {
    return head + "<p class=\"note\">Not computed yet.</p>\n";
  }
  return StrCat(head, Ceilings(facts.residency->ceilings), Tiers(facts), Categories(facts));
}

}  // namespace halflife
