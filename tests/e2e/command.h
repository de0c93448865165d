#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "tests/e2e/scratch_directory.h"

namespace halflife::e2e {

struct CommandResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string out, err;
};

// A real `halflife` under way, beside this program ($HALFLIFE_CLI instead, if set). No terminal,
// and none of the caller's HALFLIFE_… settings. Not thread-safe.
class RunningHalflife {
 public:
  // `input` is its standard input.
  explicit RunningHalflife(const std::vector<std::string>& arguments, std::string_view input = "");
  // SIGKILL if it still runs.
  ~RunningHalflife();
  RunningHalflife(const RunningHalflife&) = delete;
  RunningHalflife& operator=(const RunningHalflife&) = delete;

  void Signal(int signal) const;
  // Waits for its end. Once.
  CommandResult Wait();

 private:
  const ScratchDirectory scratch_{"command"};  // files and not pipes: nobody has to read
  pid_t child_ = 0;                            // 0: it has ended
};

// Runs one and waits for its end.
CommandResult RunHalflife(const std::vector<std::string>& arguments, std::string_view input = "");

}  // namespace halflife::e2e
