#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/tools/listed_requests.h"
#include "tools/analyze/html_report.h"
#include "tools/analyze/svg_plot.h"

namespace halflife::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

size_t Count(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

TEST(SvgPlot, PutsTheEndsOfALineAtTheEdgesOfALogarithmicAxis) {
  Plot plot{
      "t", "x", {{1, "one"}, {10, "ten"}, {1000, "out"}}, {{"a", {{1, 0}, {10, .5}, {100, 1}}}}};

  const std::string svg = SvgOf(plot);

  // 420 x 260 less margins: x from 44 to 400, y from 12 (100 %) to 220 (0 %).
  EXPECT_THAT(svg, HasSubstr("d=\"M44.0 220.0L222.0 116.0L400.0 12.0\""));
  EXPECT_THAT(svg, HasSubstr(">ten<"));
  EXPECT_THAT(svg, Not(HasSubstr(">out<")));
}

TEST(SvgPlot, StepsHoldTheirValueAndWhatHasNoLogarithmIsLeftOut) {
  Plot plot{"t", "x", {}, {{"a", {{0, 1}, {1, 1}, {10, 0}}, 0, false, true}}};

  EXPECT_THAT(SvgOf(plot), HasSubstr("d=\"M44.0 12.0H400.0V220.0\""));
}

TEST(SvgPlot, EmptyOrSinglePointsDoNoHarm) {
  EXPECT_THAT(SvgOf({"t", "x", {}, {}}), Not(HasSubstr("nan")));
  EXPECT_THAT(SvgOf({"t", "x", {{5, "5"}}, {{"a", {{5, .5}}}}}), Not(HasSubstr("nan")));
  EXPECT_THAT(SvgOf({"t", "x", {}, {{"a", {}}}}), Not(HasSubstr("inf")));
}

TEST(HtmlReport, IsOneSelfContainedPageWithItsNamesEscaped) {
  std::vector<Request> requests = RequestsFor({{1, 2}, {1, 2, 3}, {4}, {1, 2}});
  for (Request& request : requests) request.type = "<b>chat</b>";
  ListedRequests source(requests);
  const SimulatedTrace trace = LoadSimulatedTrace(source).value();
  TraceAnalysis analysis = AnalyzeTrace(trace);
  GridOptions grid;
  grid.policies = ParsePolicies("lru,optimum").value();
  for (const char* text : {"25%", "50%", "100%"}) {
    grid.capacities.push_back(CapacityFor(ParseCapacity(text).value(), trace, 1).value());
  }

  const std::string html = HtmlReport("a&b.jsonl", analysis, RunGrid(trace, grid));

  EXPECT_THAT(html, testing::StartsWith("<!doctype html>\n"));
  EXPECT_THAT(html, HasSubstr("<h1>Reuse in a&amp;b.jsonl</h1>"));
  EXPECT_THAT(html, HasSubstr("&lt;b&gt;chat&lt;/b&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("<b>chat")));
  for (const char* outside : {"<script", "http:", "https:", "<link", "<img", "@import", "url("}) {
    EXPECT_THAT(html, Not(HasSubstr(outside)));
  }
  for (const char* element : {"svg", "table", "figure", "div", "tr", "h2"}) {
    const std::string name(element);
    EXPECT_EQ(Count(html, "<" + name + " ") + Count(html, "<" + name + ">"),
              Count(html, "</" + name + ">"))
        << name;
  }
  EXPECT_EQ(Count(html, "<svg"), 4u);  // capacity, position, skew, one category
  EXPECT_THAT(html, HasSubstr(">optimum</text>"));
}

}  // namespace
}  // namespace halflife::tools
