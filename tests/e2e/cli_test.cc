// The real `halflife` against a real halflifed: what each command prints in each format, what it
// returns, and what it says when something is wrong.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "common/strings.h"
#include "tests/e2e/command.h"
#include "tests/e2e/daemon.h"
#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Arguments = std::vector<std::string>;

constexpr uint64_t kBlockBytes = 4096;
constexpr char kTokens[] = "1,2,3,4,5,6,7,8,9,10,11,12";  // three blocks

Arguments operator+(Arguments first, const Arguments& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

Arguments NamespaceOf(const std::string& model, const std::string& block_bytes = "4KiB") {
  return {"--model", model, "--tokens-per-block", "4", "--block-bytes", block_bytes};
}

// Bytes without a pattern that a mix-up of blocks or a lost block could keep.
std::string SomeBytes(uint64_t count, uint64_t state) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) {
    state = state * 6364136223846793005 + 1442695040888963407;
    byte = static_cast<char>(state >> 56);
  }
  return bytes;
}

class CliTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    scratch_ = new ScratchDirectory("cli");
    daemon_ = new Daemon({.directory = scratch_->path()});
    const absl::Status started = daemon_->Start();
    ASSERT_TRUE(started.ok()) << started.message();
  }
  static void TearDownTestSuite() {
    delete daemon_;
    delete scratch_;
  }

  static CommandResult Run(const Arguments& arguments, std::string_view input = "") {
    return RunHalflife(arguments + Arguments{"--endpoint", daemon_->endpoint()}, input);
  }
  static std::string PathOf(const std::string& name) { return scratch_->path() + "/" + name; }
  static std::string WriteFile(const std::string& name, const std::string& text) {
    std::ofstream(PathOf(name), std::ios::binary) << text;
    return PathOf(name);
  }
  static std::string ReadFile(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(PathOf(name), std::ios::binary).rdbuf();
    return text.str();
  }
  static void PutThreeBlocks(const std::string& model) {
    const CommandResult put = Run(Arguments{"put", "--tokens", kTokens} + NamespaceOf(model),
                                  SomeBytes(3 * kBlockBytes, 1));
    ASSERT_EQ(put.exit_code, 0) << put.err;
  }

  static ScratchDirectory* scratch_;
  static Daemon* daemon_;
};

ScratchDirectory* CliTest::scratch_ = nullptr;
Daemon* CliTest::daemon_ = nullptr;

TEST_F(CliTest, WhatWasPutIsFoundAndComesBackAndIsGoneAfterADelete) {
  const std::string payload = SomeBytes(3 * kBlockBytes, 7);
  const std::string file = WriteFile("payload", payload);
  const Arguments chain = Arguments{"--tokens", kTokens} + NamespaceOf("round-trip");

  const CommandResult put = Run(Arguments{"put", "--in", file, "-o", "csv"} + chain);
  const CommandResult again = Run(Arguments{"put", "--in", file, "-o", "csv"} + chain);
  const CommandResult found = Run(Arguments{"lookup", "-o", "json"} + chain);
  const CommandResult got = Run(Arguments{"get", "--out", PathOf("got")} + chain);
  const CommandResult streamed = Run(Arguments{"get"} + chain);
  const CommandResult deleted = Run(Arguments{"delete", "-o", "csv"} + chain);

  EXPECT_EQ(put.out, "stored,already_there,refused\r\n3,0,0\r\n");
  EXPECT_EQ(again.out, "stored,already_there,refused\r\n0,3,0\r\n");
  EXPECT_EQ(nlohmann::json::parse(found.out)["lookup"]["prefix_blocks"], 3);
  EXPECT_EQ(got.out, "");
  EXPECT_TRUE(ReadFile("got") == payload) << "other bytes in the file";
  EXPECT_TRUE(streamed.out == payload) << "other bytes on standard output";
  EXPECT_EQ(deleted.out, "deleted\r\n3\r\n");
  for (const auto& result : {put, again, found, got, streamed, deleted}) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
  }

  const CommandResult lost = Run(Arguments{"get", "--out", PathOf("got")} + chain);
  const CommandResult missing = Run(Arguments{"lookup", "-o", "json"} + chain);
  const CommandResult nothing = Run(Arguments{"delete"} + chain);

  EXPECT_EQ(lost.exit_code, 1);
  EXPECT_EQ(lost.err, "halflife: miss at block 0 of 3\n");
  EXPECT_TRUE(ReadFile("got") == payload) << "a miss emptied the file";
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_EQ(nlohmann::json::parse(missing.out)["lookup"]["prefix_blocks"], 0);
  EXPECT_EQ(nothing.exit_code, 1);
}

TEST_F(CliTest, ABlockIsReachedByTheIdOfItsNamespaceAndItsHashToo) {
  PutThreeBlocks("by-id");
  const auto listed = nlohmann::json::parse(Run({"namespaces", "-o", "json"}).out);
  const auto ns = std::find_if(listed.begin(), listed.end(),
                               [](const auto& entry) { return entry["model"] == "by-id"; });
  ASSERT_NE(ns, listed.end());
  const std::string id = (*ns)["namespace"];

  const CommandResult found =
      Run({"lookup", "--namespace", id.substr(0, 16), "--tokens", kTokens, "-o", "csv"});
  const CommandResult miss = Run({"lookup", "--namespace", id, "--hash", std::string(64, 'a')});
  const CommandResult gone = Run({"delete", "--namespace", id, "--whole-namespace"});
  const CommandResult unknown = Run({"lookup", "--namespace", id, "--tokens", kTokens});

  EXPECT_EQ(id.size(), 64u);
  EXPECT_EQ(found.exit_code, 0) << found.err;
  EXPECT_THAT(found.out, HasSubstr("lookup,0,prefix_blocks,3\r\n"));
  EXPECT_EQ(miss.exit_code, 1);
  EXPECT_THAT(miss.out, HasSubstr("never_seen"));
  EXPECT_EQ(gone.exit_code, 0) << gone.err;
  EXPECT_EQ(unknown.exit_code, 1);
  EXPECT_THAT(unknown.err, HasSubstr("namespace " + id + " is not open"));
}

// A command, and a column that its report must have.
struct Reporting {
  Arguments arguments;
  std::string column;
};

class CliFormatTest : public CliTest, public testing::WithParamInterface<std::string> {
 protected:
  static std::vector<Reporting> Commands(const std::string& trace) {
    const Arguments chain = Arguments{"--tokens", kTokens} + NamespaceOf("formats");
    return {{{"health"}, "status"},
            {{"health", "--liveness", "--wait", "1s"}, "waited_seconds"},
            {{"stats"}, "used_bytes"},
            {{"namespaces"}, "block_bytes"},
            {Arguments{"lookup"} + chain, "prefix_blocks"},
            {Arguments{"delete"} + chain, "deleted"},
            {Arguments{"put", "--in", PathOf("three")} + chain, "already_there"},
            {Arguments{"explain"} + chain, "parent_here"},
            {{"model"}, "watched_requests_ratio"},
            {{"config", "check", "--set", "storage.dram.budget=1GiB"}, "valid"},
            {{"trace", "info", trace}, "requests"},
            {{"trace", "replay", trace, "--payload", "4KiB", "-q"}, "prefix_hit_ratio"},
            {{"explain", "--miss"}, "missed_blocks"}};
  }
  static ptrdiff_t UnquotedCommas(const std::string& line) {
    bool quoted = false;
    return std::count_if(line.begin(), line.end(), [&quoted](char c) {
      quoted = quoted != (c == '"');
      return c == ',' && !quoted;
    });
  }
  // Each row has the columns of the first, and every line ends as RFC 4180 wants it.
  static void ExpectCsv(const std::string& text) {
    std::istringstream lines(text);
    ptrdiff_t commas = -1;
    for (std::string line; std::getline(lines, line);) {
      ASSERT_TRUE(!line.empty() && line.back() == '\r') << line;
      const ptrdiff_t here = UnquotedCommas(line);
      if (commas < 0) commas = here;
      EXPECT_EQ(here, commas) << line;
    }
    EXPECT_GE(commas, 0) << "nothing was printed";
  }
  static std::string TitleOf(std::string column) {
    std::replace(column.begin(), column.end(), '_', ' ');
    return column.substr(0, column.find(" seconds"));
  }
};

TEST_P(CliFormatTest, EveryReportHasItsColumns) {
  WriteFile("three", SomeBytes(3 * kBlockBytes, 1));
  PutThreeBlocks("formats");
  const std::string trace = PathOf("formats.ct.gz");
  ASSERT_EQ(Run({"workload", "generate", "chat", "-n", "30", "--out", trace}).exit_code, 0);
  for (const auto& [arguments, column] : Commands(trace)) {
    SCOPED_TRACE(arguments[0] + " " + arguments[1 % arguments.size()]);

    const CommandResult result = Run(arguments + Arguments{"--output", GetParam()});

    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
    if (GetParam() == "json") {
      EXPECT_TRUE(nlohmann::json::accept(result.out)) << result.out;
      EXPECT_THAT(result.out, HasSubstr("\"" + column + "\": "));
    } else if (GetParam() == "csv") {
      ExpectCsv(result.out);
      EXPECT_THAT(result.out, HasSubstr(column));
    } else {
      EXPECT_THAT(result.out, AllOf(HasSubstr(TitleOf(column)), Not(HasSubstr("\r")),
                                    Not(HasSubstr("{")), Not(HasSubstr("\x1b"))));
    }
  }
}

// What is no report is the same in every format: bytes, a trace, a script.
TEST_P(CliFormatTest, WhatIsNoReportDoesNotChange) {
  PutThreeBlocks("bytes");
  const Arguments format = {"--output", GetParam()};
  const std::string trace = Run({"workload", "generate", "agent", "-n", "20"}).out;

  const CommandResult got =
      Run(Arguments{"get", "--tokens", kTokens} + NamespaceOf("bytes") + format);
  const CommandResult generated =
      Run(Arguments{"workload", "generate", "agent", "-n", "20"} + format);
  const CommandResult converted = Run(Arguments{"trace", "convert", "-", "-"} + format, trace);
  const CommandResult script = Run(Arguments{"completion", "bash"} + format);
  const CommandResult defaults = Run(Arguments{"config", "print", "--default"} + format);

  EXPECT_TRUE(got.out == SomeBytes(3 * kBlockBytes, 1)) << got.err;
  EXPECT_THAT(trace, StartsWith("# halflife-trace 1"));
  EXPECT_EQ(generated.out, trace);
  EXPECT_EQ(converted.out, trace);
  EXPECT_THAT(script.out, HasSubstr("complete -o filenames -F _halflife halflife"));
  EXPECT_THAT(defaults.out, HasSubstr("budget:"));
  for (const auto& result : {got, generated, converted, script, defaults}) {
    EXPECT_EQ(result.exit_code, 0) << result.err;
    EXPECT_EQ(result.err, "");
  }
}

TEST_P(CliFormatTest, ConfigPrintShowsTheValueInForce) {
  const CommandResult result =
      Run({"config", "print", "--set", "storage.dram.budget=512MiB", "--output", GetParam()});

  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("512MiB"));
  if (GetParam() == "json") {
    const auto settings = nlohmann::json::parse(result.out);
    EXPECT_TRUE(std::any_of(settings.begin(), settings.end(), [](const auto& setting) {
      return setting["key"] == "storage.dram.budget" && setting["origin"] == "flag";
    }));
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, CliFormatTest, testing::Values("table", "json", "csv"),
                         [](const auto& info) { return info.param; });

TEST_F(CliTest, BadInputIsExitCodeTwoAndSaysWhatIsWrong) {
  const std::string two = WriteFile("two", SomeBytes(2 * kBlockBytes, 1));
  const std::string four = WriteFile("four", SomeBytes(4 * kBlockBytes, 1));
  const std::string trace = WriteFile("no.trace", "neither JSON nor compact\n");
  const std::string config = WriteFile("bad.yaml", "storage:\n  dram:\n    budgt: 1GiB\n");
  const Arguments chain = Arguments{"--tokens", kTokens} + NamespaceOf("bad-input");
  const std::pair<Arguments, std::string> cases[] = {
      {Arguments{"put", "--in", "/nowhere/file"} + chain,
       "/nowhere/file: No such file or directory"},
      {Arguments{"put", "--in", scratch_->path()} + chain, scratch_->path() + ": Is a directory"},
      {Arguments{"put", "--in", four} + chain,
       four + " has 16384 bytes, but 3 blocks of 4096 bytes have 12288"},
      {Arguments{"put", "--in", two} + chain, two + " has 8192 bytes, but 3 blocks of 4096"},
      {Arguments{"put", "--in", two, "--tokens", kTokens} + NamespaceOf("bad-input", "257MiB"),
       "block_bytes is 269484032, allowed are 4096 to 268435456"},
      {Arguments{"lookup", "--hash", "xyz"} + NamespaceOf("bad-input"),
       "'xyz' is not a hash of 64 hex digits"},
      {Arguments{"lookup", "--hash", std::string(63, 'a') + "g"} + NamespaceOf("bad-input"),
       "is not a hash of 64 hex digits"},
      {Arguments{"lookup", "--tokens", "1,2,3"} + NamespaceOf("bad-input"),
       "do not fill one block"},
      {{"lookup", "--namespace", "my-model", "--tokens", kTokens},
       "namespace my-model is not an id in hex"},
      {Arguments{"lookup", "--app", std::string(129, 'a')} + chain, "app"},
      {Arguments{"delete", "--whole-namespace"} + chain, "either blocks or --whole-namespace"},
      {{"trace", "info", "/nowhere/trace"}, "/nowhere/trace: No such file or directory"},
      {{"trace", "info", trace}, trace + ":1: expected a JSON object"},
      {{"trace", "convert", trace, PathOf("out")}, trace + ":1: expected a JSON object"},
      {{"trace", "replay", "/nowhere/trace"}, "/nowhere/trace: No such file or directory"},
      {{"workload", "generate", "chat", "--out", "/nowhere/x"}, "/nowhere/x: No such file"},
      {{"config", "check", "-c", "/nowhere/c.yaml"}, "/nowhere/c.yaml: No such file"},
      {{"config", "check", "-c", config}, config + ":3"},
      {{"config", "print", "-c", config}, config + ":3"},
      {{"completion", "tcsh"}, "tcsh"},
  };
  for (const auto& [arguments, message] : cases) {
    const CommandResult result = Run(arguments);

    EXPECT_EQ(result.exit_code, 2) << message;
    EXPECT_THAT(result.err, AllOf(StartsWith("halflife: "), HasSubstr(message)));
    EXPECT_EQ(result.out, "") << message;
  }

  EXPECT_EQ(Run(Arguments{"lookup"} + chain).exit_code, 1) << "a refused put stored something";
}

TEST_F(CliTest, APipeOfTheWrongLengthIsFoundOutWhenItEnds) {
  const Arguments put = Arguments{"put", "--tokens", kTokens} + NamespaceOf("pipe");

  const CommandResult pipe =
      RunHalflife(put + Arguments{"--endpoint", daemon_->endpoint(), "--in", "/dev/null"});

  EXPECT_EQ(pipe.exit_code, 2);
  EXPECT_EQ(pipe.err, "halflife: the input ends in block 0 of 3: 0 of 4096 bytes\n");
}

TEST_F(CliTest, WhatCannotBeWrittenIsExitCodeTwo) {
  PutThreeBlocks("unwritable");
  const Arguments get = Arguments{"get", "--tokens", kTokens} + NamespaceOf("unwritable");

  const CommandResult nowhere = Run(get + Arguments{"--out", "/nowhere/file"});
  const CommandResult full = Run(get + Arguments{"--out", "/dev/full"});

  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_EQ(nowhere.err, "halflife: /nowhere/file: No such file or directory\n");
  EXPECT_EQ(full.exit_code, 2);
  EXPECT_EQ(full.err, "halflife: /dev/full: No space left on device\n");
}

TEST_F(CliTest, AMissingSocketIsExitCodeThreeAndNamed) {
  const std::string file = WriteFile("three", SomeBytes(3 * kBlockBytes, 1));
  const std::string kept = WriteFile("kept", "as it was");
  const Arguments chain = Arguments{"--tokens", kTokens} + NamespaceOf("absent");
  const std::string endpoint = "unix://" + PathOf("nobody.sock");
  const Arguments commands[] = {{"health"},
                                {"stats"},
                                {"namespaces"},
                                Arguments{"lookup"} + chain,
                                Arguments{"get", "--out", kept} + chain,
                                Arguments{"put", "--in", file} + chain,
                                Arguments{"delete"} + chain,
                                {"lookup", "--namespace", "ab", "--tokens", kTokens},
                                {"trace", "replay", "--profile", "chat"},
                                {"bench", "--count", "1"}};
  for (const Arguments& command : commands) {
    const CommandResult result = RunHalflife(command + Arguments{"--endpoint", endpoint});

    EXPECT_EQ(result.exit_code, 3) << command[0];
    EXPECT_THAT(result.err, AllOf(StartsWith("halflife: " + endpoint + ": "),
                                  HasSubstr("No such file or directory")))
        << command[0];
    EXPECT_EQ(result.out, "") << command[0];
  }
  EXPECT_EQ(ReadFile("kept"), "as it was");
}

TEST_F(CliTest, HealthWaitsForADaemonThatIsStillToCome) {
  const ScratchDirectory scratch("cli-late");
  Daemon late({.directory = scratch.path(), .ssd_quota_bytes = 0});
  const Arguments health = {"health", "--endpoint", late.endpoint(), "-o", "json", "--wait"};
  EXPECT_EQ(RunHalflife(health + Arguments{"50ms"}).exit_code, 3);

  ASSERT_TRUE(late.Launch().ok());
  const CommandResult result = RunHalflife(health + Arguments{"60s"});

  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(nlohmann::json::parse(result.out)["status"], "serving");
  EXPECT_TRUE(late.Terminate().ok());
}

}  // namespace
}  // namespace halflife::e2e
