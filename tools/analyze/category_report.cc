#include "tools/analyze/category_report.h"

#include <utility>

#include "common/strings.h"
#include "storage/residency/categories/category_words.h"
#include "tools/analyze/reuse_cells.h"

namespace halflife::tools {
namespace {

std::string LeafInWords(const CategoryStudy& study, const std::vector<int>& nodes) {
  std::vector<LevelRule> rules;
  for (const int node : nodes) rules.push_back(study.grown.tree.RuleOfNode(node));
  std::string text;
  for (const LevelRule& rule : Simplified(std::move(rules))) {
    if (!text.empty()) text += "; or ";
    text += RuleInWords(rule, study.attributes, study.seen);
  }
  return text;
}

const char* OutcomeName(GrowthStep::Outcome outcome) {
  switch (outcome) {
    case GrowthStep::Outcome::kSplit:
      return "split";
    case GrowthStep::Outcome::kNoQuestion:
      return "kept: too few requests, or all alike";
    case GrowthStep::Outcome::kGainTooSmall:
      return "kept: gain too small";
    case GrowthStep::Outcome::kNotHeldOut:
      return "kept: not so in the next window";
    case GrowthStep::Outcome::kLeafLimit:
      return "kept: as many categories as may be";
  }
  return "";
}

Table GainTable(const CategoryStudy& study) {
  Table table = Table::Record("category_tree");
  table.Set("train_requests", Cell::Count(study.grown.train_requests));
  table.Set("next_requests", Cell::Count(study.grown.next_requests));
  table.Set("leaves", Cell::Count(study.grown.tree.leaves().size()));
  table.Set("categories", Cell::Count(study.categories.size()));
  table.Set("one_model_next_nats_per_request", Cell::Number(study.one_model_nats));
  table.Set("tree_next_nats_per_request", Cell::Number(study.tree_nats));
  return table;
}

Table TreeTable(const CategoryStudy& study) {
  Table table{
      "tree_categories",
      {"category", "rule", "requests", "intervals", "reuse_probability_ratio", "half_life_seconds",
       "mean_gap_seconds", "fit_distance_ratio", "model", "distance_of_halves_ratio", "example"},
      {}};
  for (size_t c = 0; c < study.categories.size(); ++c) {
    const CategoryStudy::Category& category = study.categories[c];
    std::vector<Cell> row = {Cell::Count(c), Cell::Text(category.rule),
                             Cell::Count(category.requests)};
    AppendReuse(category.intervals, category.halves, study.duration_s, row);
    row.push_back(Cell::Text(category.example));
    table.AddRow(std::move(row));
  }
  return table;
}

// Gains are those of the whole window, so that they add up; per request of the window.
void AddGrowthRow(const CategoryStudy& study, std::vector<Cell> head, const SplitCandidate& gain,
                  Table& table) {
  const auto per_request = [](double nats, size_t requests) {
    return requests > 0 ? Cell::Number(nats / static_cast<double>(requests)) : Cell::None();
  };
  const bool is_known = gain.left_requests > 0;
  const auto number = [is_known](Cell cell) { return is_known ? std::move(cell) : Cell::None(); };
  head.push_back(number(Cell::Count(gain.left_requests)));
  head.push_back(number(Cell::Number(gain.train.gain())));
  head.push_back(number(Cell::Number(gain.required_nats)));
  head.push_back(number(Cell::Number(gain.next.gain())));
  head.push_back(number(per_request(gain.train.gain(), study.grown.train_requests)));
  head.push_back(number(per_request(gain.next.gain(), study.grown.next_requests)));
  head.push_back(is_known ? Cell::Text(gain.is_by_exponentials ? "exponential" : "life table")
                          : Cell::None());
  table.AddRow(std::move(head));
}

Table GrowthTable(const CategoryStudy& study) {
  Table table{"tree_growth",
              {"leaf", "question", "outcome", "requests", "requests_that_say_yes",
               "train_gain_nats", "required_nats", "next_gain_nats", "train_gain_nats_per_request",
               "next_gain_nats_per_request", "judged_by"},
              {}};
  for (const GrowthStep& step : study.grown.steps) {
    const bool has_question = step.candidate.attribute >= 0;
    const std::string question =
        has_question ? QuestionInWords(step.candidate.attribute, step.candidate.left,
                                       study.attributes, study.seen)
                     : "-";
    AddGrowthRow(study,
                 {Cell::Text(LeafInWords(study, step.nodes)), Cell::Text(question),
                  Cell::Text(OutcomeName(step.outcome)), Cell::Count(step.requests)},
                 step.candidate, table);
  }
  for (const MergeStep& merge : study.grown.merges) {
    AddGrowthRow(
        study,
        {Cell::Text(LeafInWords(study, merge.kept)),
         Cell::Text(StrCat("unlike ", LeafInWords(study, merge.merged), "?")), Cell::Text("joined"),
         Cell::Count(merge.apart.left_requests + merge.apart.right_requests)},
        merge.apart, table);
  }
  return table;
}

Table NodeTable(const CategoryStudy& study) {
  Table table{"tree_nodes", {"node", "attribute", "left_levels", "left", "right", "category"}, {}};
  const auto& nodes = study.grown.tree.nodes();
  for (size_t i = 0; i < nodes.size(); ++i) {
    const CategoryTree::Node& node = nodes[i];
    if (node.attribute < 0) {
      table.AddRow({Cell::Count(i), Cell::None(), Cell::None(), Cell::None(), Cell::None(),
                    Cell::Count(static_cast<uint64_t>(node.category))});
      continue;
    }
    const AttributeDescription& attribute = study.attributes[node.attribute];
    std::string levels;
    for (size_t level = 0; level < attribute.levels.size(); ++level) {
      if (!Contains(node.left & study.seen[node.attribute], static_cast<int>(level))) continue;
      if (!levels.empty()) levels += '|';
      levels += attribute.levels[level];
    }
    table.AddRow({Cell::Count(i), Cell::Text(attribute.name), Cell::Text(levels),
                  Cell::Count(static_cast<uint64_t>(node.left_child)),
                  Cell::Count(static_cast<uint64_t>(node.right_child)), Cell::None()});
  }
  return table;
}

Table CategoryCurves(const CategoryStudy& study) {
  Table table = CurveTable("tree_curves");
  for (size_t c = 0; c < study.categories.size(); ++c) {
    AddCurve(Cell::Count(c), study.categories[c].intervals, study.duration_s, table);
  }
  return table;
}

}  // namespace

std::vector<Table> CategoryTables(const CategoryStudy& study, bool with_details) {
  std::vector<Table> tables = {GainTable(study), TreeTable(study), GrowthTable(study)};
  if (with_details) {
    tables.push_back(NodeTable(study));
    tables.push_back(CategoryCurves(study));
  }
  return tables;
}

}  // namespace halflife::tools
