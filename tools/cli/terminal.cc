#include "tools/cli/terminal.h"

#include <unistd.h>

#include "common/config/environment.h"

namespace halflife::tools {

bool WantsColour(bool is_terminal, const std::optional<std::string>& no_color,
                 const std::optional<std::string>& term) {
  return is_terminal && no_color.value_or("").empty() && term != "dumb";
}

bool StdoutWantsColour() {
  return WantsColour(isatty(STDOUT_FILENO) != 0, EnvironmentVariable("NO_COLOR"),
                     EnvironmentVariable("TERM"));
}

bool StderrIsTerminal() { return isatty(STDERR_FILENO) != 0; }

}  // namespace halflife::tools
