#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "common/config/effective_config.h"

namespace halflife {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// A file, the place that the first message must name, and a part of that message.
struct BadFile {
  std::string_view text;
  std::string_view place;
  std::string_view message;
};

constexpr BadFile kBadFiles[] = {
    // Unknown keys.
    {"storge:\n  policy: lru\n", "1:1", "storge: unknown key"},
    {"storage:\n  polcy: lru\n", "2:3", "did you mean storage.policy?"},
    {"storage:\n  dram:\n    budgt: 1GiB\n", "3:5", "did you mean storage.dram.budget?"},
    {"storage:\n  ssd:\n    dir: /x\n", "3:5", "storage.ssd.dir: unknown key"},
    {"storage:\n  quota: 1GiB\n", "2:3", "did you mean storage.ssd.quota?"},
    {"drain_time: 5s\n", "1:1", "did you mean server.drain_time?"},
    {"server:\n  Io_threads: 4\n", "2:3", "did you mean server.io_threads?"},
    {"server:\n  io_thread: 4\n", "2:3", "did you mean server.io_threads?"},
    {"log:\n  levle: info\n", "2:3", "did you mean log.level?"},
    {"admin:\n  port: 80\n", "2:3", "admin.port: unknown key"},
    {"security:\n  secret: hunter2hunter2\n", "2:3", "did you mean security.secret_file?"},
    {"server:\n  io_threads: 4\n  bogus:\n    deep:\n      deeper: 1\n", "3:3",
     "server.bogus: unknown"},
    {"<<: {server: {io_threads: 4}}\n", "1:1", "<<: unknown key"},
    {"\"\": 1\n", "1:1", "unknown key"},
    {"storage.policy: lru\n", "1:1", "write it nested"},
    {"storage:\n  dram.budget: 1GiB\n", "2:3", "write it nested"},

    // Ids and sizes.
    {"server:\n  allowed_uids: root\n", "2:17", "write numeric ids with commas"},
    {"server:\n  allowed_uids: 1000,,1001\n", "2:17", "write numeric ids with commas"},
    {"server:\n  allowed_gids: 4294967295\n", "2:17", "write numeric ids with commas"},
    {"server:\n  allowed_gids: -1\n", "2:17", "write numeric ids with commas"},
    {"storage:\n  max_block: 268435457\n", "2:14", "above the maximum of 256MiB"},
    {"storage:\n  max_block: 4095\n", "2:14", "below the minimum of 4KiB"},
    {"server:\n  min_put_rate: 2GiB\n", "2:17", "above the maximum of 1GiB"},
    {"server:\n  min_put_grace: 31s\n", "2:18", "above the maximum of 30s"},

    // Category pins.
    {"storage:\n  category_pins: \"vip\"\n", "2:18", "category pin 'vip': expected NAME:"},
    {"storage:\n  category_pins: \"vip: colour=red\"\n", "2:18", "'colour' is no attribute"},
    {"storage:\n  category_pins: \"vip: turn=8-3\"\n", "2:18", "'8-3' is not a number"},
    {"storage:\n  category_pins: \"a: turn=1; b: role=new\"\n", "2:18", "not said with every call"},
    {"storage:\n  category_pins:\n    vip: tenant=acme\n", "3:5", "vip"},

    // Limits of namespaces.
    {"storage:\n  dram:\n    namespace_limits: \"gold\"\n", "3:23",
     "namespace limit 'gold': expected NAME:"},
    {"storage:\n  dram:\n    namespace_limits: \"gold: colour=red min_bytes=1GiB\"\n", "3:23",
     "'colour' is unknown; known: tenant, model"},
    {"storage:\n  dram:\n    namespace_limits: \"gold: min_bytes=2GiB max_bytes=1GiB\"\n", "3:23",
     "min_bytes of 2GiB is above max_bytes of 1GiB"},

    // Duplicate keys.
    {"log:\n  level: info\n  level: debug\n", "3:3", "log.level: duplicate key"},
    {"log:\n  level: info\nserver:\n  io_threads: 1\nlog:\n  format: json\n", "5:1",
     "log: duplicate key"},
    {"storage:\n  ssd:\n    direct_io: true\n  ssd:\n    direct_io: false\n", "4:3",
     "storage.ssd: duplicate key"},
    {"{log: {level: info, level: debug}}\n", "1:21", "duplicate key"},

    // Shape of the file.
    {"just text\n", "1:1", "expected sections"},
    {"- server\n- log\n", "1:1", "expected sections"},
    {"[]\n", "1:1", "expected sections"},
    {"server:threads: 4\n", "1:1", "unknown key"},
    {"server: 4\n", "1:9", "server: is a section"},
    {"server: [a, b]\n", "1:9", "server: is a section"},
    {"storage:\n  dram: 1GiB\n", "2:9", "storage.dram: is a section"},
    {"server:\n  io_threads:\n    count: 4\n", "3:5", "found a section"},
    {"server:\n  io_threads: {count: 4}\n", "2:15", "found a section"},
    {"server:\n  io_threads: [4]\n", "2:15", "found a list"},
    {"server:\n  io_threads:\n    - 4\n", "3:5", "found a list"},
    {"server:\n  io_threads:\n", "2:3", "has no value"},
    {"server:\n  io_threads: ~\n", "2:3", "has no value"},
    {"server:\n  io_threads: null\n", "2:3", "has no value"},
    {"server:\n  unix_socket: Null\n", "2:3", "has no value"},
    {"? [a]\n: 1\n", "1:3", "a key must be a plain word"},
    {"? {a: 1}\n: 1\n", "1:3", "a key must be a plain word"},
    {"log:\n  ? ~\n  : 1\n", "2:5", "a key must be a plain word"},
    {"log:\n  level: info\n---\nlog:\n  level: debug\n", "3:1", "second document"},
    {"---\nlog:\n  level: info\n...\n---\nlog:\n  level: debug\n", "5:1", "second document"},
    {"log: &a\n  level: info\n", "1:6", "anchors and aliases"},
    {"log:\n  level: &a info\n", "2:10", "anchors and aliases"},
    {"log:\n  level: *a\n", "2:10", "not YAML"},
    {"log:\n  level: !!str info\n", "2:10", "tags are not supported"},
    {"log: !custom\n  level: info\n", "1:6", "tags are not supported"},
    {"server:\n  io_threads: !!int 4\n", "2:15", "tags are not supported"},

    // Not YAML at all.
    {"server:\n\tio_threads: 4\n", "2:1", "a tab in the indentation"},
    {"server: {io_threads: 4\n", "2:1", "not YAML"},
    {"log:\n  level: \"info\n", "2:10", "quotes are not closed"},
    {"log:\n  level: \"in\n    fo\"\n", "2:10", "quotes are not closed"},
    {"log:\n  level: \"info\\\"\n", "2:10", "quotes are not closed"},
    {"log:\n  level: >\n    info\n", "2:10", "remove the block mark"},
    {"log:\n  \tlevel: info\n", "2:3", "a tab in the indentation"},
    {"log:\n level: info\n  format: json\n", "3:9", "not YAML"},
    {"log: }\n", "1:6", "not YAML"},
    {"%YAML 9.9\n---\nlog:\n  level: info\n", "", "not YAML"},
    {"log:\n  level: 'in\\fo\n", "2:10", "quotes are not closed"},
    {"log:\n  level: \"\\\x01\"\n", "2:", "unknown escape character: ?"},
    {"server: {io_threads: [1, 2}\n", "1:22", "found a list"},
    {std::string_view("log:\n  level: in\0fo\n", 19), "1:1", "zero byte"},
    {"log:\n  level: \xff\n", "1:1", "not UTF-8"},
    {"\xff\xfel\0o\0g\0", "1:1", "not UTF-8"},
    {"log:\n  level: \xc0\xaf\n", "1:1", "not UTF-8"},

    // Whole numbers and the traps of YAML 1.1.
    {"server:\n  io_threads: 010\n", "2:15", "leading zero"},
    {"server:\n  io_threads: 0x10\n", "2:15", "in decimal"},
    {"server:\n  io_threads: 0b11\n", "2:15", "in decimal"},
    {"server:\n  io_threads: 0o7\n", "2:15", "in decimal"},
    {"server:\n  max_connections: 1_000\n", "2:20", "without separators"},
    {"server:\n  max_connections: 1,000\n", "2:20", "without separators"},
    {"server:\n  max_connections: 1e3\n", "2:20", "without an exponent"},
    {"server:\n  io_threads: 4.0\n", "2:15", "a whole number"},
    {"server:\n  io_threads: -1\n", "2:15", "must not be negative"},
    {"server:\n  io_threads: +1\n", "2:15", "must begin with a digit"},
    {"server:\n  io_threads: \"4\"\n", "2:15", "remove the quotes"},
    {"server:\n  io_threads: '4'\n", "2:15", "remove the quotes"},
    {"server:\n  io_threads: |\n    4\n", "2:15", "remove the block mark"},
    {"server:\n  io_threads: four\n", "2:15", "must begin with a digit"},
    {"server:\n  io_threads: 4 threads\n", "2:15", "without a space"},
    {"server:\n  io_threads: 0\n", "2:15", "below the minimum of 1"},
    {"server:\n  io_threads: 65\n", "2:15", "above the maximum of 64"},
    {"server:\n  io_threads: 99999999999999999999\n", "2:15", "too large"},
    {"server:\n  io_threads: auto\n", "2:15", "must begin with a digit"},
    {"server:\n  io_threads: 0\n", "2:15", "below the minimum of 1"},
    {"server:\n  max_connections: 8193\n", "2:20", "above the maximum of 8192"},
    {"server:\n  io_threads: .inf\n", "2:15", "must begin with a digit"},
    {"storage:\n  ssd:\n    crash_limit: 101\n", "3:18", "above the maximum of 100"},
    {"storage:\n  ssd:\n    read_timeout: 9ms\n", "3:19", "below the minimum of 10ms"},

    // Booleans.
    {"storage:\n  ssd:\n    direct_io: yes\n", "3:16", "write true or false"},
    {"storage:\n  ssd:\n    direct_io: on\n", "3:16", "write true or false"},
    {"storage:\n  ssd:\n    direct_io: True\n", "3:16", "write true or false"},
    {"storage:\n  ssd:\n    direct_io: 1\n", "3:16", "write true or false"},
    {"storage:\n  ssd:\n    direct_io: \"true\"\n", "3:16", "remove the quotes"},
    {"storage:\n  dram:\n    huge_pages: off\n", "3:17", "write true or false"},
    {"storage:\n  dram:\n    huge_pages: madvise\n", "3:17", "write true or false"},
    {"server:\n  insecure_listen: n\n", "2:20", "write true or false"},

    // Sizes.
    {"storage:\n  dram:\n    budget: 1GB\n", "3:13", "write 1GiB"},
    {"storage:\n  dram:\n    budget: 1G\n", "3:13", "write 1GiB"},
    {"storage:\n  dram:\n    budget: 1gib\n", "3:13", "write 1GiB"},
    {"storage:\n  dram:\n    budget: 1 GiB\n", "3:13", "without a space"},
    {"storage:\n  dram:\n    budget: 1e9\n", "3:13", "without an exponent"},
    {"storage:\n  dram:\n    budget: -1GiB\n", "3:13", "must not be negative"},
    {"storage:\n  dram:\n    budget: GiB\n", "3:13", "must begin with a digit"},
    {"storage:\n  dram:\n    budget: 80%\n", "3:13", "the units are"},
    {"storage:\n  dram:\n    budget: 1MiB\n", "3:13", "below the minimum of 16MiB"},
    {"storage:\n  dram:\n    budget: 65TiB\n", "3:13", "above the maximum of 64TiB"},
    {"storage:\n  dram:\n    budget: 16385PiB\n", "3:13", "too large"},
    {"storage:\n  dram:\n    budget: Auto\n", "3:13", "must begin with a digit"},
    {"storage:\n  dram:\n    budget: \"\"\n", "3:13", "empty"},
    {"storage:\n  dram:\n    max_put: 1KiB\n", "3:14", "below the minimum of 1MiB"},
    {"storage:\n  ssd:\n    quota: auto\n", "3:12", "must begin with a digit"},
    {"storage:\n  ssd:\n    quota: 63MiB\n", "3:12", "below the minimum of 64MiB"},
    {"storage:\n  ssd:\n    quota: 2PiB\n", "3:12", "above the maximum of 1PiB"},
    {"storage:\n  ssd:\n    quota: 1.0000001GiB\n", "3:12", "at most 3 decimals"},

    // Shares.
    {"storage:\n  dram:\n    free_target: 4%\n", "3:18", "such as 0.05"},
    {"storage:\n  ssd:\n    drive_writes_per_day: 1 DWPD\n", "3:27", "such as 1.5"},
    {"storage:\n  ssd:\n    drive_writes_per_day: 101\n", "3:27", "above the maximum of 100"},
    {"storage:\n  ssd:\n    drive_writes_per_day: 0\n", "3:27", "below the minimum of 0.01"},
    {"storage:\n  ssd: {directory: /data, write_budget: 1TiB, drive_size: 4TiB}\n", "2:41",
     "both say what may be written"},
    {"storage:\n  dram:\n    free_target: -0.1\n", "3:18", "such as 0.05"},
    {"storage:\n  dram:\n    free_target: nan\n", "3:18", "such as 0.05"},
    {"storage:\n  dram:\n    free_target: 1e-2\n", "3:18", "such as 0.05"},
    {"storage:\n  dram:\n    free_target: \"\"\n", "3:18", "remove the quotes"},
    {"storage:\n  dram:\n    free_target: 0\n", "3:18", "below the minimum of 0.001"},
    {"storage:\n  dram:\n    free_target: 0.6\n", "3:18", "above the maximum of 0.5"},

    // Durations.
    {"server:\n  drain_time: 5\n", "2:15", "write 5s or 5ms"},
    {"server:\n  drain_time: 5sec\n", "2:15", "the units are us, ms, s, m, h, d"},
    {"server:\n  drain_time: -5s\n", "2:15", "must not be negative"},
    {"server:\n  drain_time: 11m\n", "2:15", "above the maximum of 10m"},
    {"server:\n  drain_time: 1:30\n", "2:15", "unknown unit"},
    {"server:\n  shutdown_grace: forever\n", "2:19", "must begin with a digit"},
    {"storage:\n  dram:\n    put_room_wait: 1m\n", "3:20", "above the maximum of 10s"},

    // Words.
    {"log:\n  level: verbose\n", "2:10", "one of debug, info, warning or error"},
    {"log:\n  level: INFO\n", "2:10", "one of debug, info, warning or error"},
    {"log:\n  level: \"\"\n", "2:10", "one of debug, info, warning or error"},
    {"log:\n  format: xml\n", "2:11", "one of auto, text or json"},
    {"storage:\n  policy: on\n", "2:11", "expected one of model, wa or lru"},
    {"storage:\n  policy: lru-2\n", "2:11", "expected one of model, wa or lru"},

    // Paths and addresses.
    {"server:\n  unix_socket: halflife.sock\n", "2:16", "absolute path"},
    {"server:\n  unix_socket: \"/a\\nb\"\n", "2:16", "control character"},
    {"server:\n  unix_socket: unix:/run/x\n", "2:16", "absolute path"},
    {"storage:\n  ssd:\n    directory: ./data\n", "3:16", "absolute path"},
    {"storage:\n  ssd:\n    directory: \"\\0\"\n", "3:16", "control character"},
    {"security:\n  secret_file: hunter2hunter2\n", "2:16", "<redacted>"},
    {"server:\n  tcp_listen: 127.0.0.1\n", "2:15", "the port is missing"},
    {"server:\n  tcp_listen: localhost:50061\n", "2:15", "must be an IP address"},
    {"server:\n  tcp_listen: 127.0.0.1:65536\n", "2:15", "0 to 65535"},
    {"server:\n  tcp_listen: 127.0.0.1:http\n", "2:15", "0 to 65535"},
    {"server:\n  tcp_listen: 127.0.0.1:\n", "2:24", "not YAML: illegal map value"},
    {"server:\n  tcp_listen: \":50061\"\n", "2:15", "must be an IP address"},
    {"server:\n  tcp_listen: ::1:50061\n", "2:15", "IPv6 in brackets"},
    {"server:\n  tcp_listen: [::1]\n", "2:15", "IPv6 address in quotes"},
    {"server:\n  tcp_listen: \"[::g]:1\"\n", "2:15", "must be an IP address"},
    {"server:\n  tcp_listen: 1.2.3:1\n", "2:15", "must be an IP address"},
    {"admin:\n  listen: 9461\n", "2:11", "the port is missing"},
    {"admin:\n  listen: http://127.0.0.1:9461/\n", "2:11", "0 to 65535"},

    // Each value is legal; together they are not.
    {"server:\n  unix_socket: \"\"\n", "2:16", "no client could connect"},
    {"server:\n  tcp_listen: 0.0.0.0:50061\n", "2:15", "--insecure-listen"},
    {"server:\n  tcp_listen: \"[::]:50061\"\n", "2:15", "not loopback"},
    {"server:\n  tcp_listen: 10.0.0.7:50061\n", "2:15",
     "server.insecure_listen is false (default)"},
    {"admin:\n  listen: 0.0.0.0:9461\n", "2:11", "not loopback"},
    {"server:\n  tcp_listen: 127.0.0.1:9461\n", "default",
     "admin.listen is 127.0.0.1:9461 (default)"},
    {"storage:\n  ssd:\n    quota: 1GiB\n", "3:12", "storage.ssd.directory is empty (default)"},
    {"storage:\n  dram:\n    budget: 1GiB\n    namespace_limits: \"a: min_bytes=600MiB; b: "
     "min_bytes=400MiB\"\n",
     "4:23",
     "with the min_bytes of namespace limit 'b' the floors are more than nine tenths of 1GiB"},
    {"storage:\n  dram:\n    budget: 1GiB\n    max_pinned: 2GiB\n", "4:17",
     "storage.dram.budget is 1GiB (bad.yaml:3:13)"},
    {"storage:\n  dram:\n    budget: 1GiB\n    max_put: 2GiB\n", "4:14",
     "more than the whole budget"},
    {"storage:\n  dram:\n    budget: 1GiB\n    max_put: 600MiB\n    max_pinned: 600MiB\n", "4:14",
     "storage.dram.max_pinned is 600MiB (bad.yaml:5:17) and storage.dram.max_put is 600MiB"},
};

std::string Name(const ::testing::TestParamInfo<size_t>& info) {
  return std::to_string(info.param);
}

class BadFileTest : public ::testing::TestWithParam<size_t> {};

TEST_P(BadFileTest, IsRefusedWithItsPlaceAndReason) {
  const BadFile& bad = kBadFiles[GetParam()];

  const auto config = ResolveConfig({.file_name = "bad.yaml",
                                     .file_text = std::string(bad.text),
                                     .environment = {},
                                     .flags = {}});

  ASSERT_FALSE(config.ok()) << bad.text;
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  const std::string message(config.status().message());
  const std::string first = message.substr(0, message.find('\n'));
  if (bad.place == "default") {
    EXPECT_THAT(first, StartsWith("default: ")) << bad.text;
  } else {
    EXPECT_THAT(first, StartsWith("bad.yaml:" + std::string(bad.place) +
                                  (bad.place.empty() || bad.place.back() == ':' ? "" : ": ")))
        << bad.text;
  }
  EXPECT_THAT(first, HasSubstr(std::string(bad.message))) << bad.text;
  EXPECT_TRUE(std::all_of(first.begin(), first.end(),
                          [](unsigned char c) { return c >= ' ' && c != 0x7f; }));
}

INSTANTIATE_TEST_SUITE_P(Table, BadFileTest, ::testing::Range<size_t>(0, std::size(kBadFiles)),
                         Name);

TEST(BadFiles, AreAtLeastAHundred) { EXPECT_GE(std::size(kBadFiles), 100u); }

TEST(BadFiles, AFileWithSeveralMistakesNamesThemAllInOrder) {
  const auto config =
      ResolveConfig({.file_name = "bad.yaml",
                     .file_text = "server:\n  io_threads: 0x4\nlog:\n  levle: info\n",
                     .environment = {},
                     .flags = {}});

  EXPECT_THAT(std::string(config.status().message()),
              ::testing::AllOf(HasSubstr("bad.yaml:2:15: server.io_threads: "),
                               HasSubstr("bad.yaml:4:3: log.levle: unknown key")));
}

TEST(BadFiles, ManyMistakesAreCutOffAtALimit) {
  std::string text = "server:\n";
  for (int i = 0; i < 1000; ++i) text += "  key" + std::to_string(i) + ": 1\n";

  const auto config =
      ResolveConfig({.file_name = "bad.yaml", .file_text = text, .environment = {}, .flags = {}});

  const std::string message(config.status().message());
  EXPECT_EQ(std::count(message.begin(), message.end(), '\n') + 1, static_cast<long>(kMaxProblems));
}

TEST(BadFiles, DeepNestingIsRefusedWithoutAStackOverflow) {
  for (const std::string& text :
       {std::string(100'000, '['), std::string(100'000, '{'),
        "server: " + std::string(100'000, '['), std::string(50'000, '-')}) {
    EXPECT_FALSE(
        ResolveConfig({.file_name = "bad.yaml", .file_text = text, .environment = {}, .flags = {}})
            .ok());
  }
}

TEST(BadFiles, AFileAboveTheSizeLimitIsRefused) {
  const std::string text = "#" + std::string(1 << 20, 'x');

  const auto config =
      ResolveConfig({.file_name = "bad.yaml", .file_text = text, .environment = {}, .flags = {}});

  EXPECT_THAT(std::string(config.status().message()), HasSubstr("larger than 1MiB"));
}

TEST(BadFiles, AMisplacedSecretIsNeverEchoed) {
  for (const std::string& line :
       {"security:\n  secret: canary-0123456789\n", "security:\n  secret_file: canary-0123456789\n",
        "security:\n  secret_file: [canary-0123456789]\n"}) {
    const auto config =
        ResolveConfig({.file_name = "bad.yaml", .file_text = line, .environment = {}, .flags = {}});

    ASSERT_FALSE(config.ok());
    EXPECT_THAT(std::string(config.status().message()), ::testing::Not(HasSubstr("canary")));
  }
}

}  // namespace
}  // namespace halflife
