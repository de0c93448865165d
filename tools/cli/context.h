#pragma once

#include <functional>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "tools/cli/exit_code.h"
#include "tools/output/report.h"

namespace halflife::tools {

// What every command gets: the global options and the way to the outside. Lives as long as the
// program.
class Context {
 public:
  std::string endpoint;
  OutputFormat output = OutputFormat::kTable;
  bool quiet = false;

  // Runs after parsing, if `command` is the one on the command line; returns the exit code. CLI11
  // throws while it parses; actions run after that, so that no exception crosses them.
  void OnRun(CLI::App* command, std::function<int()> action);
  bool has_action() const { return action_ != nullptr; }
  // Of the command that was parsed; there must be one.
  int RunAction() const { return action_(); }

  // Prints to stdout in the chosen format. Returns: kExitOk, or kExitFailed if it could not be
  // written.
  int Print(const Report& report) const;
  // The same for text that is ready.
  int PrintText(const std::string& text) const;
  // Whether to show progress.
  bool ShowsProgress() const;

 private:
  std::function<int()> action_;
};

// Print "halflife: …" to stderr and return the exit code.
int FailUsage(std::string_view message);
int FailInput(const absl::Status& status);  // a file or an argument
int FailDaemon(const std::string& endpoint, const absl::Status& status);

// For CLI11: sizes ("64KiB") and durations ("250ms") as everywhere in the project.
CLI::Option* AddBytes(CLI::App* command, const std::string& name, uint64_t& bytes,
                      const std::string& description);
CLI::Option* AddDuration(CLI::App* command, const std::string& name, absl::Duration& duration,
                         const std::string& description);

}  // namespace halflife::tools
