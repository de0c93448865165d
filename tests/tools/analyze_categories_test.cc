#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/tools/listed_requests.h"
#include "tools/analyze/category_online.h"
#include "tools/analyze/category_pins_file.h"
#include "tools/analyze/category_report.h"
#include "tools/analyze/tree_page.h"
#include "tools/workload/random.h"

namespace halflife::tools {
namespace {

// One request a second, alternately of type "loop", whose one block comes back once, 20 s
// later, and of type "once", whose block does not.
struct Recorded {
  CategoryRequests requests;
  SimulatedTrace trace;
};
Recorded TwoTypes() {
  std::vector<Request> listed;
  for (uint64_t i = 0; i < 4000; ++i) {
    Request request;
    request.time_s = static_cast<double>(i);
    request.type = i % 2 == 0 ? "loop" : "once";
    request.turn = 1;
    request.session = i + 1;
    request.blocks = {i % 2 == 0 ? i / 40 * 1000 + i % 20 : 1'000'000 + i};
    listed.push_back(request);
  }
  ListedRequests source(listed);
  Recorded recorded;
  CategoryRecorder recorder(source, recorded.requests);
  recorded.trace = LoadSimulatedTrace(recorder).value();
  return recorded;
}

TEST(CategoryStudy, FindsTheTypesThatDifferAndTellsThemWithAnExample) {
  const Recorded recorded = TwoTypes();

  const CategoryStudy study = StudyCategories(recorded.trace, recorded.requests, {});

  ASSERT_GE(study.categories.size(), 2u);
  size_t requests = 0;
  for (const auto& category : study.categories) {
    requests += category.requests;
    EXPECT_THAT(category.example, testing::HasSubstr("used again"));
  }
  EXPECT_EQ(requests, 4000u);
  EXPECT_GT(study.tree_nats, study.one_model_nats);
  for (const Table& table : CategoryTables(study, true)) {
    for (const auto& row : table.rows) EXPECT_EQ(row.size(), table.columns.size()) << table.name;
  }
}

TEST(TreePage, HasEachQuestionAndCategoryAndCountsEveryRequest) {
  const Recorded recorded = TwoTypes();
  const CategoryStudy study = StudyCategories(recorded.trace, recorded.requests, {});

  const std::string html = TreeAsHtml(study);

  EXPECT_EQ(study.node_requests[0], 4000u);
  EXPECT_THAT(html, testing::HasSubstr("type "));
  EXPECT_THAT(html, testing::HasSubstr("<span class=\"n\">4,000 requests</span>"));
  for (size_t c = 0; c < study.categories.size(); ++c) {
    EXPECT_THAT(html, testing::HasSubstr("<b>category " + std::to_string(c) + "</b>"));
  }
}

TEST(CategoryPinsFile, WhatIsWrittenIsReadBackAsTheSameCategories) {
  Recorded recorded = TwoTypes();
  const CategoryStudy study = StudyCategories(recorded.trace, recorded.requests, {});
  const std::string config = PinsAsConfig(study);
  const size_t begin = config.find('"') + 1;
  const std::string text = config.substr(begin, config.rfind('"') - begin);
  ASSERT_THAT(text, testing::HasSubstr("type=loop"));

  auto pins = recorded.requests.schema.ParsePins(text);
  ASSERT_TRUE(pins.ok()) << pins.status();
  const CategoryStudy again = StudyCategories(recorded.trace, recorded.requests, *pins);

  const CategoryTree& first = study.grown.tree;
  const CategoryTree& pinned = again.grown.tree;
  for (const auto& request : recorded.requests.requests) {
    const auto category = static_cast<size_t>(pinned.CategoryOf(request.levels));
    ASSERT_LT(category, pinned.pins().size());
    EXPECT_EQ(pinned.pins()[category].name, "c" + std::to_string(first.CategoryOf(request.levels)));
  }
}

TEST(CategoryStudy, TheOnlineTreeLooksAtThePastOnly) {
  Recorded whole = TwoTypes();
  Recorded start = TwoTypes();
  start.trace.requests.resize(2500);
  start.requests.requests.resize(2500);

  AssignTreeCategories(whole.requests, whole.trace);
  AssignTreeCategories(start.requests, start.trace);

  for (size_t r = 0; r < 2500; ++r) {
    ASSERT_EQ(whole.trace.requests[r].category, start.trace.requests[r].category) << r;
  }
  // 3960 is the first use of its block, which comes back; 3980 the second, after which it does not.
  EXPECT_NE(whole.trace.requests[3960].category, whole.trace.requests[3961].category);
  EXPECT_EQ(whole.trace.requests[3980].category, whole.trace.requests[3981].category);
  EXPECT_EQ(whole.trace.requests[0].category, whole.trace.requests[1].category);
}

}  // namespace
}  // namespace halflife::tools
