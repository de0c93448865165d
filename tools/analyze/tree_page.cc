#include "tools/analyze/tree_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "storage/residency/categories/category_words.h"
#include "storage/residency/model/reuse_summary.h"
#include "tools/analyze/svg_plot.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

std::string RequestsText(size_t requests) {
  return absl::StrCat(HumanText(Cell::Count(requests)), requests == 1 ? " request" : " requests");
}

// "category 3, life table: 44.0 % used again, half of them within 2.5 min", with a bar.
std::string CategoryText(const CategoryStudy& study, size_t category) {
  const ReuseSummary summary =
      SummariseReuse(study.categories[category].intervals, study.duration_s);
  return absl::StrFormat(
      "<span class=\"bar\"><span style=\"width:%.1f%%\"></span></span> <b>category %d</b>: %s used "
      "again, half of them within %s",
      summary.reuse_probability * 100, category, HumanText(Cell::Ratio(summary.reuse_probability)),
      EscapeLine(HumanText(Cell::Seconds(summary.half_life_s))));
}

// `answer`: to the question of the parent.
void AppendNode(const CategoryStudy& study, int number, const char* answer, std::string& html) {
  const CategoryTree::Node& node = study.grown.tree.nodes()[number];
  absl::StrAppend(&html, "<li>", answer, "<span class=\"n\">",
                  RequestsText(study.node_requests[number]), "</span> ");
  if (node.attribute < 0) {
    absl::StrAppend(&html, CategoryText(study, static_cast<size_t>(node.category)), "</li>\n");
    return;
  }
  absl::StrAppend(
      &html, "<b class=\"q\">",
      EscapeLine(QuestionInWords(node.attribute, node.left, study.attributes, study.seen)),
      "?</b><ul>\n");
  AppendNode(study, node.left_child, "<i>yes</i> ", html);
  AppendNode(study, node.right_child, "<i>no</i> ", html);
  html += "</ul></li>\n";
}

}  // namespace

std::string TreeAsHtml(const CategoryStudy& study) {
  const CategoryTree& tree = study.grown.tree;
  std::string html =
      "<h2>Category tree</h2><p>What predicts best when blocks are used again, asked of a request "
      "when it starts. Leaves that behave alike are one category. The bar is the share of blocks "
      "that are used again; the tables below tell the rest.</p>\n<ul class=\"tree\">\n";
  for (size_t pin = 0; pin < tree.pins().size(); ++pin) {
    absl::StrAppend(&html, "<li><i>pinned</i> <span class=\"n\">",
                    RequestsText(study.categories[pin].requests), "</span> <b class=\"q\">",
                    EscapeLine(study.categories[pin].rule), "</b> ", CategoryText(study, pin),
                    "</li>\n");
  }
  AppendNode(study, 0, "", html);
  return html + "</ul>\n";
}

}  // namespace halflife::tools
