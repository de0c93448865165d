#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/tools/run_halflife.h"
#include "tests/tools/trace_file.h"
#include "tools/cli/app.h"
#include "tools/cli/exit_code.h"

namespace halflife::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<nlohmann::ordered_json> JsonLines(const std::string& text) {
  std::vector<nlohmann::ordered_json> objects;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    objects.push_back(nlohmann::ordered_json::parse(line));
  }
  return objects;
}

// 1 and 2 are used in turn, between two blocks that never come back: 8 references, 6 blocks.
constexpr std::string_view kTrace =
    "# halflife-trace 1 block_tokens=512 "
    "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n"
    "1|user|1|1|-1|512|1|end|1\n"
    "2|user|1|2|-1|512|1|end|2\n"
    "3|user|1|3|-1|512|1|end|3\n"
    "4|user|1|4|-1|512|1|end|1\n"
    "5|user|1|5|-1|512|1|end|4\n"
    "6|user|1|6|-1|512|1|end|2\n"
    "7|user|1|7|-1|512|1|end|5\n"
    "8|user|1|8|-1|512|1|end|6\n";

TEST(SimulateCommand, PrintsOneObjectALineWithTheNamedFields) {
  const TraceFile file("t.ct", kTrace);

  const Ran ran = RunHalflife({"simulate", file.path(), "--policy", "lru,optimum", "--capacity",
                               "50%,2", "--output", "json"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  const auto cells = JsonLines(ran.out);
  ASSERT_EQ(cells.size(), 4u);
  std::vector<std::string> names;
  for (const auto& item : cells[0].items()) names.push_back(item.key());
  EXPECT_THAT(names, ElementsAre("policy", "capacity_ratio", "capacity_blocks", "lookup_blocks",
                                 "hit_blocks", "hit_ratio", "saved_recompute_ratio",
                                 "ssd_hit_blocks", "ssd_written_blocks", "seconds"));
  EXPECT_EQ(cells[0]["policy"], "lru");
  EXPECT_EQ(cells[0]["capacity_ratio"], 0.5);
  EXPECT_EQ(cells[0]["capacity_blocks"], 3);
  EXPECT_EQ(cells[0]["lookup_blocks"], 8);
  EXPECT_EQ(cells[0]["hit_blocks"], 1);  // 1 after 2 and 3; not 2 after 3, 1 and 4
  EXPECT_EQ(cells[0]["hit_ratio"], 0.125);
  EXPECT_EQ(cells[0]["saved_recompute_ratio"], 0.125);
  EXPECT_EQ(cells[0]["ssd_hit_blocks"], 0);
  EXPECT_EQ(cells[1]["capacity_blocks"], 2);
  EXPECT_EQ(cells[2]["policy"], "optimum");
  EXPECT_EQ(cells[2]["hit_blocks"], 2);
}

TEST(SimulateCommand, AddsColumnsBehindThoseForWhoAsks) {
  const TraceFile file("t.ct", kTrace);

  const Ran ran = RunHalflife({"simulate", file.path(), "--policy", "optimum", "--capacity", "50%",
                               "--details", "--output", "json"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  const auto cell = JsonLines(ran.out).at(0);
  EXPECT_EQ(cell.begin().key(), "policy");
  EXPECT_EQ(cell["gap_closed_ratio"], 1);
  EXPECT_EQ(cell["lru_hit_ratio"], 0.125);
}

TEST(SimulateCommand, WarnsOfATraceThatIsNotInOrder) {
  const TraceFile file("t.ct", std::string(kTrace) + "7.5|user|1|9|-1|512|1|end|9\n");

  const Ran ran = RunHalflife({"simulate", file.path(), "-p", "lru", "-c", "50%"});

  EXPECT_EQ(ran.exit_code, kExitOk);
  EXPECT_THAT(ran.err, HasSubstr("t.ct: 1 of 9 requests are earlier than one before them"));
}

TEST(SimulateCommand, PrintsPoliciesByCapacityForPeople) {
  const TraceFile file("t.ct", kTrace);

  const Ran ran =
      RunHalflife({"simulate", file.path(), "-p", "fifo, infinite", "-c", "50%,4", "-j", "1"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("hit ratio\n  policy       50%       4\n"));
  EXPECT_THAT(ran.out, HasSubstr("  infinite  25.0 %  25.0 %\n"));
  EXPECT_THAT(ran.out, Not(HasSubstr("ssd")));
}

TEST(SimulateCommand, CountsWhatItIsAskedTo) {
  const TraceFile file("t.ct", kTrace);
  const auto hits = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"simulate", file.path(), "-p", "infinite",
                                          "-c",       "1",         "-o", "json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Ran ran = RunHalflife(arguments);
    EXPECT_EQ(ran.exit_code, kExitOk) << ran.err;
    const auto cell = JsonLines(ran.out).at(0);
    return std::pair<int, int>(cell["hit_blocks"], cell["lookup_blocks"]);
  };

  EXPECT_EQ(hits({}), std::pair(2, 8));
  EXPECT_EQ(hits({"--second-half"}), std::pair(1, 4));
  EXPECT_EQ(hits({"--front-cache", "3"}), std::pair(1, 7));  // the second 1 is absorbed
}

TEST(SimulateCommand, KeepsAWriteBudgetInEveryMinute) {
  std::string trace(kTrace.substr(0, kTrace.find("1|user")));
  for (int i = 1; i <= 600; ++i) {  // a new block every second
    absl::StrAppend(&trace, i, "|user|1|", i, "|-1|512|1|end|", i, "\n");
  }
  const TraceFile file("t.ct", trace);
  const auto simulated = [&](const std::string& admission) {
    const Ran ran = RunHalflife({"simulate", file.path(), "-p", "model,lru-daemon,lru", "-c",
                                 "100%", "--dram", "2%", "--write-budget", "10%", "--admission",
                                 admission, "--details", "-o", "json"});
    EXPECT_EQ(ran.exit_code, kExitOk) << ran.err;
    return JsonLines(ran.out);
  };

  const auto cells = simulated("score");

  ASSERT_EQ(cells.size(), 3u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_NEAR(cells[i]["write_budget_blocks_per_minute"].get<double>(), 6, 0.02);
    EXPECT_LE(cells[i]["ssd_most_in_a_minute_blocks"].get<int>(), 6);
    EXPECT_GE(cells[i]["ssd_written_blocks"].get<int>(), 40);  // of 60, the first minute earns only
    EXPECT_EQ(cells[i]["ssd_written_blocks"].get<int>() + cells[i]["ssd_refused_blocks"].get<int>(),
              588);  // 12 are in DRAM
  }
  EXPECT_TRUE(cells[2]["write_budget_blocks_per_minute"].is_null());  // one tier
  EXPECT_EQ(simulated("hit-twice")[0]["ssd_written_blocks"], 0);
}

TEST(SimulateCommand, BadInputIsNamed) {
  const TraceFile file("t.ct", kTrace);
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{"simulate", file.path(), "--policy", "lru,clock"},
       "policy 'clock' is not known; known: model, model-alone, wa, lru-daemon"},
      {{"simulate", file.path(), "--policy", ""}, "policy '' is not known"},
      {{"simulate", file.path(), "--capacity", "1%,x"}, "capacity 'x': give a share (0.5%)"},
      {{"simulate", file.path(), "--capacity", "200%"}, "capacity '200%': must be above 0 %"},
      {{"simulate", file.path(), "--capacity", "1%"},
       "capacity '1%': less than one block: give at least 16.7%"},
      {{"simulate", file.path(), "--objective", "cost"}, "cost"},
      {{"simulate", file.path(), "--dram", "2"}, "--dram: '2' is not a share"},
      {{"simulate", file.path(), "--dram", "0%"}, "a part of the capacity must be DRAM"},
      {{"simulate", file.path(), "--dram", "10%", "--ssd-ratio", "90%"}, "--ssd-ratio"},
      {{"simulate", file.path(), "--front-cache", "much"}, "capacity 'much'"},
      {{"simulate", file.path(), "--write-budget", "less"}, "capacity 'less'"},
      {{"simulate", file.path(), "--write-budget", "10%"}, "there is none: give --dram"},
      {{"simulate", file.path(), "--admission", "all"}, "all"},
      {{"simulate", "/nowhere/t.ct"}, "/nowhere/t.ct: No such file or directory"},
      {{"simulate"}, "trace"},
      {{"sweep", file.path(), "--from", "0%"}, "a sweep goes from above 0 %"},
      {{"sweep", file.path(), "--points", "1"}, "a sweep has 2 to 1000 points"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ran ran = RunHalflife(arguments);

    EXPECT_EQ(ran.exit_code, kExitUsage) << message;
    EXPECT_THAT(ran.err, HasSubstr(message));
    EXPECT_EQ(ran.out, "");
  }
}

TEST(SimulateCommand, ATraceWithoutAFullBlockIsNamed) {
  const TraceFile file("t.ct",
                       "# halflife-trace 1 block_tokens=512 "
                       "columns=t|type|turn|chat|parent|input_tokens|output_tokens|stop|blocks\n"
                       "1|user|1|1|-1|511|1|end|1\n");

  const Ran ran = RunHalflife({"simulate", file.path()});

  EXPECT_EQ(ran.exit_code, kExitUsage);
  EXPECT_THAT(ran.err, HasSubstr("t.ct: no request has a full block"));
}

TEST(SweepCommand, PrintsCapacitiesByPolicy) {
  const TraceFile file("t.ct", kTrace);

  const Ran ran = RunHalflife({"sweep", file.path(), "-p", "lru,optimum", "--from", "25%", "--to",
                               "100%", "--points", "3"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("hit ratio\n  capacity  blocks     lru  optimum\n"));
  EXPECT_THAT(ran.out, HasSubstr("  100%           6  25.0 %   25.0 %\n"));
}

TEST(AnalyzeCommand, PrintsTablesForPeopleAndObjectsByNameForPrograms) {
  const TraceFile file("t.ct", kTrace);

  const Ran table = RunHalflife({"analyze", file.path()});
  const Ran json = RunHalflife({"analyze", file.path(), "-o", "json"});

  ASSERT_EQ(table.exit_code, kExitOk) << table.err;
  EXPECT_THAT(table.out, HasSubstr("  ideal hit ratio              25.0 %\n"));
  EXPECT_THAT(table.out, Not(HasSubstr("curves")));
  ASSERT_EQ(json.exit_code, kExitOk) << json.err;
  const auto document = nlohmann::ordered_json::parse(json.out);
  EXPECT_EQ(document["summary"]["unique_blocks"], 6);
  EXPECT_EQ(document["turns"][0]["turn"], "single-turn");
  EXPECT_EQ(document["categories"][1]["category"], "user turn 1");
  EXPECT_EQ(document["curves"][0]["life_table_survival"], 1.0);
}

TEST(AnalyzeCommand, WritesAPage) {
  const TraceFile file("t.ct", kTrace);
  const TraceFile page("t.html");

  const Ran ran =
      RunHalflife({"analyze", file.path(), "--html", page.path(), "--policy", "lru,optimum"});

  ASSERT_EQ(ran.exit_code, kExitOk) << ran.err;
  EXPECT_THAT(page.Text(), HasSubstr("<h1>Reuse in t.ct</h1>"));
  EXPECT_THAT(ran.out, HasSubstr("ideal hit ratio"));
}

TEST(AnalyzeCommand, BadInputIsNamed) {
  const TraceFile file("t.ct", kTrace);

  const Ran policy = RunHalflife({"analyze", file.path(), "--policy", "clock"});
  const Ran page = RunHalflife({"analyze", file.path(), "--html", "/nowhere/t.html"});

  EXPECT_EQ(policy.exit_code, kExitUsage);
  EXPECT_THAT(policy.err, HasSubstr("policy 'clock' is not known"));
  EXPECT_EQ(page.exit_code, kExitUsage);
  EXPECT_THAT(page.err, HasSubstr("/nowhere/t.html"));
}

}  // namespace
}  // namespace halflife::tools
