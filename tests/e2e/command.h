#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace halflife::e2e {

struct CommandResult {
  int exit_code = -1;  // -1: ended by a signal
  std::string out, err;
};

// Runs the real `halflife` beside this program ($HALFLIFE_CLI instead, if set) and waits for its
// end. No terminal, and none of the caller's HALFLIFE_… settings. `input` is its standard input.
CommandResult RunHalflife(const std::vector<std::string>& arguments, std::string_view input = "");

}  // namespace halflife::e2e
