#include "tools/cli/completion.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "common/strings.h"
#include "tests/tools/trace_file.h"
#include "tools/cli/app.h"
#include "tools/cli/context.h"

namespace halflife::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Ran {
  int exit_code;
  std::string out;  // and stderr
};

// Of a shell that waits for ever if something is wrong, hence the limit.
Ran RunShell(const std::string& command) {
  std::FILE* shell = popen(("timeout 60 " + command + " 2>&1 </dev/null").c_str(), "r");
  std::string out;
  char buffer[1024];
  for (size_t n; (n = std::fread(buffer, 1, sizeof buffer, shell)) > 0;) out.append(buffer, n);
  const int status = pclose(shell);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, out};
}

// A bare chroot or container may be without them.
bool HasPseudoTerminals() {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  if (terminal < 0) return false;
  const bool usable = ::grantpt(terminal) == 0 && ::unlockpt(terminal) == 0;
  ::close(terminal);
  return usable;
}

bool IsInstalled(const std::string& shell) {
  return std::system(("command -v " + shell + " >/dev/null").c_str()) == 0;
}

class CompletionTest : public testing::Test {
 protected:
  Context context_;
  std::unique_ptr<CLI::App> app_ = MakeApp(context_);
};

TEST_F(CompletionTest, EveryCommandAndOptionIsInEveryScript) {
  for (const std::string& script :
       {BashCompletion(*app_), ZshCompletion(*app_), FishCompletion(*app_)}) {
    for (const char* word : {"health", "stats", "namespaces", "lookup", "get", "put", "delete",
                             "trace", "workload", "config", "completion", "replay", "convert",
                             "generate", "check", "print", "concurrency", "whole-namespace"}) {
      EXPECT_THAT(script, HasSubstr(word));
    }
  }
}

TEST_F(CompletionTest, BashOffersWhatFitsAndNothingElse) {
  const TraceFile file("completion.bash", BashCompletion(*app_) +
                                              "COMP_WORDS=(halflife trace re); COMP_CWORD=2\n"
                                              "_halflife; echo \"${COMPREPLY[@]}\"\n"
                                              "COMP_WORDS=(halflife con); COMP_CWORD=1\n"
                                              "_halflife; echo \"${COMPREPLY[@]}\"\n"
                                              "COMP_WORDS=(halflife trace replay --conc); "
                                              "COMP_CWORD=3\n"
                                              "_halflife; echo \"${COMPREPLY[@]}\"\n");

  const Ran ran = RunShell("bash " + file.path());

  EXPECT_EQ(ran.exit_code, 0);
  EXPECT_EQ(ran.out, "replay\nconfig\n--concurrency\n");
}

// For a zsh on a terminal of its own. Control-X shows the line as it is.
std::string ZshSetup(const std::string& script) {
  return StrCat("PS1=; autoload -Uz compinit; compinit -u -D; source ", script,
                "\n"
                "show() { print -r -- \"LINE[$BUFFER]\" }; zle -N show; bindkey '^X' show\n"
                "print READY\n");
}

// The keys that a person would press: a fresh line, the words, tabulator.
std::string ZshSession(const std::string& setup) {
  return StrCat("zmodload zsh/zpty; zpty shell zsh -f -i; zpty -w shell 'source ", setup,
                "'\n"
                "zpty -r shell seen '*READY*'\n"
                "for keys in 'halflife trace rep' 'halflife workl' 'halflife trace replay --conc'\n"
                "do\n"
                "  zpty -w -n shell $'\\x15'\"$keys\"$'\\t\\x18'\n"
                "  zpty -r shell seen '*LINE\\[*\\]*'\n"
                "  print -r -- ${${seen##*LINE\\[}%%\\]*}\n"
                "done\n");
}

TEST_F(CompletionTest, ZshCompletesCommandsAndOptions) {
  if (!IsInstalled("zsh")) GTEST_SKIP() << "zsh is not installed: its completion is not checked";
  if (!HasPseudoTerminals()) GTEST_SKIP() << "no /dev/pts here: zsh's completion is not checked";
  const TraceFile script("completion.zsh", ZshCompletion(*app_));
  const TraceFile setup("setup.zsh", ZshSetup(script.path()));
  const TraceFile session("session.zsh", ZshSession(setup.path()));

  const Ran syntax = RunShell("zsh -n " + script.path());
  const Ran ran = RunShell("zsh -f " + session.path());

  EXPECT_EQ(syntax.exit_code, 0) << syntax.out;
  EXPECT_EQ(ran.out,
            "halflife trace replay \n"
            "halflife workload \n"
            "halflife trace replay --concurrency \n");
}

TEST_F(CompletionTest, FishCompletesCommandsAndOptions) {
  if (!IsInstalled("fish")) GTEST_SKIP() << "fish is not installed: its completion is not checked";
  const TraceFile script("completion.fish", FishCompletion(*app_));
  const auto complete = [&](const std::string& line) {
    return RunShell(StrCat("fish -N -c \"source ", script.path(), "; complete -C '", line, "'\""));
  };

  const Ran syntax = RunShell("fish -n " + script.path());
  const Ran command = complete("halflife trace re");
  const Ran option = complete("halflife trace replay --conc");

  EXPECT_EQ(syntax.exit_code, 0) << syntax.out;
  EXPECT_THAT(command.out, testing::StartsWith("replay\t"));
  EXPECT_THAT(command.out, Not(HasSubstr("convert")));
  EXPECT_EQ(option.out, "--concurrency\tRequests under way at a time\n");
}

}  // namespace
}  // namespace halflife::tools
