#include "tools/cli/app.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>
#include <vector>

#include "tests/tools/run_halflife.h"
#include "tests/tools/trace_file.h"
#include "tools/cli/terminal.h"

namespace halflife::tools {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(CommandLine, BadArgumentsAreExitCodeTwoOnStderr) {
  const std::pair<std::vector<std::string>, const char*> cases[] = {
      {{}, "a command is missing"},
      {{"frobnicate", "t.jsonl"}, "unknown command 'frobnicate'\nTry 'halflife --help'."},
      {{"trace", "inof", "t.jsonl"}, "unknown command 'inof'\nTry 'halflife trace --help'."},
      {{"stats", "--all", "now"},
       "unknown or superfluous: --all now\nTry 'halflife stats --help'."},
      {{"trace"}, "a command is missing\nTry 'halflife trace --help'."},
      {{"stats", "--output", "xml"}, "--output: xml not in {table,json,csv}"},
      {{"health", "--wait", "10"}, "--wait: \"10\""},
      {{"completion", "tcsh"}, "tcsh"},
      {{"stats", "--endpoint", ""}, "--endpoint is empty"},
      {{"workload", "generate", "nobody"}, "nobody"},
      {{"trace", "info", "/nowhere/t.jsonl"}, "/nowhere/t.jsonl: No such file or directory"},
      {{"trace", "replay"}, "give either a trace or --profile"},
      {{"trace", "replay", "--profile", "chat", "--speed", "fast"}, "--speed: 'fast'"},
      {{"trace", "replay", "--profile", "chat", "--payload", "4095"}, "4KiB to 256MiB"},
      {{"lookup", "--model", "m", "--tokens-per-block", "16", "--block-bytes", "4KiB"},
       "no block is named"},
      {{"lookup", "--model", "m", "--tokens-per-block", "16", "--block-bytes", "4KiB", "--hash",
        "ab"},
       "'ab' is not a hash of 64 hex digits"},
      {{"lookup", "--hash", std::string(64, 'a')}, "namespace: give --namespace ID"},
      {{"config", "print", "--set", "novalue"}, "'novalue' is not key=value"},
      {{"config", "check", "--set", "storage.dram.budgt=1GiB"}, "storage.dram.budget"},
  };
  for (const auto& [arguments, message] : cases) {
    const Ran ran = RunHalflife(arguments);

    EXPECT_EQ(ran.exit_code, kExitUsage) << message;
    EXPECT_THAT(ran.err, HasSubstr(message));
    EXPECT_EQ(ran.out, "") << message;
  }
}

TEST(CommandLine, AnAbsentDaemonIsExitCodeThree) {
  const std::string endpoint = "unix:///tmp/halflife-nobody-listens-here.sock";
  const std::vector<std::string> ns = {
      "--model", "m",      "--tokens-per-block", "16", "--block-bytes", "4KiB", "--timeout",
      "200ms",   "--hash", std::string(64, 'a')};
  const std::vector<std::vector<std::string>> commands = {
      {"health"}, {"stats"},  {"namespaces"},
      {"lookup"}, {"delete"}, {"trace", "replay", "--profile", "chat"}};
  for (std::vector<std::string> command : commands) {
    if (command[0] == "lookup" || command[0] == "delete") {
      command.insert(command.end(), ns.begin(), ns.end());
    }
    const std::string name = command[0];
    command.insert(command.end(), {"--endpoint", endpoint});

    const Ran ran = RunHalflife(command);

    EXPECT_EQ(ran.exit_code, kExitUnavailable) << name;
    EXPECT_THAT(ran.err, StartsWith("halflife: " + endpoint +
                                    ": no daemon answers (No such file or directory): "))
        << name;
  }
}

TEST(CommandLine, VersionAndHelpAreExitCodeZero) {
  EXPECT_THAT(RunHalflife({"--version"}).out, StartsWith("halflife "));
  const Ran help = RunHalflife({"--help"});

  EXPECT_EQ(help.exit_code, kExitOk);
  EXPECT_THAT(help.out, HasSubstr("Exit codes: 0 ok"));
  EXPECT_THAT(help.out, HasSubstr("HALFLIFE_ENDPOINT"));
}

TEST(CommandLine, TheEndpointComesFromTheEnvironment) {
  setenv("HALFLIFE_ENDPOINT", "unix:///tmp/halflife-from-the-environment.sock", 1);
  const Ran ran = RunHalflife({"stats"});
  unsetenv("HALFLIFE_ENDPOINT");

  EXPECT_THAT(ran.err, HasSubstr("unix:///tmp/halflife-from-the-environment.sock: "));
}

TEST(CommandLine, AGeneratedTraceCanBeDescribedAndConverted) {
  const TraceFile compact("t.ct.gz");
  const TraceFile mooncake("t.jsonl");

  ASSERT_EQ(
      RunHalflife({"workload", "generate", "chat", "-n", "200", "--out", compact.path()}).exit_code,
      kExitOk);
  const Ran described = RunHalflife({"trace", "info", compact.path(), "--output", "json"});
  ASSERT_EQ(RunHalflife({"trace", "convert", compact.path(), mooncake.path(), "--to", "mooncake"})
                .exit_code,
            kExitOk);
  const Ran converted = RunHalflife({"trace", "info", mooncake.path(), "-o", "csv"});

  EXPECT_EQ(described.exit_code, kExitOk);
  EXPECT_THAT(described.out, HasSubstr("\"requests\": 200"));
  EXPECT_THAT(described.out, HasSubstr("\"format\": \"compact\""));
  EXPECT_THAT(converted.out, HasSubstr("summary,0,requests,200\r\n"));
  EXPECT_THAT(converted.out, HasSubstr("summary,0,format,mooncake\r\n"));
}

TEST(CommandLine, WithoutATerminalThereIsNoColourAndNoProgress) {
  const TraceFile compact("t.ct");
  RunHalflife({"workload", "generate", "chat", "-n", "50", "--out", compact.path()});

  const Ran ran = RunHalflife({"trace", "info", compact.path()});

  EXPECT_EQ(ran.err, "");
  EXPECT_EQ(ran.out.find('\x1b'), std::string::npos);
}

TEST(CommandLine, ConfigPrintTellsWhereAValueComesFrom) {
  const Ran yaml = RunHalflife({"config", "print", "--set", "storage.dram.budget=512MiB"});
  const Ran csv =
      RunHalflife({"config", "print", "--set", "storage.dram.budget=512MiB", "-o", "csv"});

  EXPECT_EQ(yaml.exit_code, kExitOk);
  EXPECT_THAT(yaml.out, HasSubstr("budget: 512MiB"));
  EXPECT_THAT(csv.out, HasSubstr("storage.dram.budget,512MiB,flag,--storage.dram.budget"));
}

TEST(Colour, IsOnlyForTerminalsThatWantIt) {
  EXPECT_TRUE(WantsColour(true, std::nullopt, "xterm"));
  EXPECT_TRUE(WantsColour(true, "", std::nullopt));
  EXPECT_FALSE(WantsColour(false, std::nullopt, "xterm"));
  EXPECT_FALSE(WantsColour(true, "1", "xterm"));
  EXPECT_FALSE(WantsColour(true, std::nullopt, "dumb"));
}

}  // namespace
}  // namespace halflife::tools
