#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/output/progress_line.h"
#include "tools/output/report.h"

namespace halflife::tools {
namespace {

Table Tiers() {
  Table table{"tiers", {"tier", "used_bytes", "hit_ratio", "p50_us"}, {}};
  table.AddRow({Cell::Text("dram"), Cell::Bytes(1536), Cell::Ratio(0.5), Cell::Micros(12.5)});
  table.AddRow({Cell::Text("ssd"), Cell::Bytes(3u << 20), Cell::None(), Cell::Micros(2500)});
  return table;
}

TEST(TableOutput, NumbersAreAlignedRightWithTheirUnits) {
  EXPECT_EQ(RenderTable({{Tiers()}}, {}),
            "  tier  used bytes  hit ratio      p50\n"
            "  dram    1.50 KiB     50.0 %    12 us\n"
            "  ssd     3.00 MiB          -  2.50 ms\n");
}

TEST(TableOutput, WidthsCountWhatATerminalShows) {
  Table table{"names", {"name", "n"}, {}};
  table.AddRow({Cell::Text("größer"), Cell::Count(1)});
  table.AddRow({Cell::Text("模型"), Cell::Count(22)});
  table.AddRow({Cell::Text("e\xcc\x81"), Cell::Count(3)});

  EXPECT_EQ(RenderTable({{table}}, {}),
            "  name     n\n"
            "  größer   1\n"
            "  模型    22\n"
            "  e\xcc\x81        3\n");
}

TEST(TableOutput, ControlCharactersOfANameDoNotReachTheTerminal) {
  Table table{"names", {"name"}, {}};
  table.AddRow({Cell::Text("a\x1b[2Jb\nc")});

  EXPECT_EQ(RenderTable({{table}}, {}), "  name\n  a [2Jb c\n");
}

TEST(TableOutput, ARecordIsOneLinePerValueAndCountsHaveSeparators) {
  Table record = Table::Record("replay");
  record.Set("requests", Cell::Count(1234567));
  record.Set("seconds", Cell::Seconds(90));

  EXPECT_EQ(RenderTable({{record}}, {}),
            "  requests  1,234,567\n"
            "  seconds   90.0 s\n");
}

TEST(TableOutput, ColourIsOnlyInHeadings) {
  const std::string text = RenderTable({{Tiers()}}, {.colour = true});

  EXPECT_EQ(text.substr(0, 4), "\x1b[1m");
  EXPECT_EQ(text.find("\x1b[0m\n"), text.find('\n') - 4);
  EXPECT_EQ(text.find('\x1b', text.find('\n')), std::string::npos);
}

TEST(TableOutput, AnEmptyTableSaysSo) {
  EXPECT_EQ(RenderTable({{Table{"runs", {"first"}, {}}}}, {}), "  (none)\n");
}

TEST(JsonOutput, NumbersKeepTheirValueAndUnknownIsNull) {
  EXPECT_EQ(RenderJson({{Tiers()}}), R"([
  {
    "tier": "dram",
    "used_bytes": 1536,
    "hit_ratio": 0.5,
    "p50_us": 12.5
  },
  {
    "tier": "ssd",
    "used_bytes": 3145728,
    "hit_ratio": null,
    "p50_us": 2500.0
  }
]
)");
}

TEST(JsonOutput, SeveralTablesAreAnObjectByName) {
  Table record = Table::Record("daemon");
  record.Set("version", Cell::Text("a\"b\xff"));
  record.Set("ready", Cell::Bool(true));

  EXPECT_EQ(RenderJson({{record, Table{"runs", {"first"}, {}}}}),
            "{\n  \"daemon\": {\n    \"version\": \"a\\\"b\xef\xbf\xbd\",\n"
            "    \"ready\": true\n  },\n  \"runs\": []\n}\n");
}

TEST(CsvOutput, QuotesAsRfc4180) {
  Table table{"names", {"name", "n"}, {}};
  table.AddRow({Cell::Text("a,b"), Cell::Count(1)});
  table.AddRow({Cell::Text("say \"x\""), Cell::Ratio(0.25)});
  table.AddRow({Cell::Text("two\nlines"), Cell::None()});

  EXPECT_EQ(RenderCsv({{table}}),
            "name,n\r\n"
            "\"a,b\",1\r\n"
            "\"say \"\"x\"\"\",0.25\r\n"
            "\"two\nlines\",\r\n");
}

TEST(CsvOutput, SeveralTablesAreInLongForm) {
  Table record = Table::Record("daemon");
  record.Set("leases", Cell::Count(3));

  EXPECT_EQ(RenderCsv({{record, Tiers()}}).substr(0, 72),
            "table,row,column,value\r\n"
            "daemon,0,leases,3\r\n"
            "tiers,0,tier,dram\r\n"
            "tiers,0,us");
}

class SettableClock final : public Clock {
 public:
  int64_t NowNanos() const override { return now_ns; }
  int64_t now_ns = 0;
};

TEST(ProgressLine, IsWrittenTenTimesASecondAndClearedAtTheEnd) {
  SettableClock clock;
  std::vector<std::string> written;
  {
    ProgressLine progress("replaying", true, clock,
                          [&](std::string_view text) { written.emplace_back(text); });

    progress.Update(0.5, 1200);
    clock.now_ns += 99'000'000;
    progress.Update(0.6, 1300);
    clock.now_ns += 1'000'000;
    progress.Update(-1, 1400);
  }

  ASSERT_EQ(written.size(), 3u);
  EXPECT_EQ(written[0], "\r\x1b[Kreplaying  [############............]  50 %  1,200 requests  0 s");
  EXPECT_EQ(written[1], "\r\x1b[Kreplaying  1,400 requests  0 s");
  EXPECT_EQ(written[2], "\r\x1b[K");
}

TEST(ProgressLine, WritesNothingWhenItIsNotEnabled) {
  SettableClock clock;
  int writes = 0;
  {
    ProgressLine progress("replaying", false, clock, [&](std::string_view) { ++writes; });
    progress.Update(0.5, 1);
  }

  EXPECT_EQ(writes, 0);
}

}  // namespace
}  // namespace halflife::tools
