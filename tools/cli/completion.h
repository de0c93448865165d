#pragma once

#include <string>

#include "CLI/CLI.hpp"

namespace halflife::tools {

// Completion scripts made from the command tree itself, so that they cannot lag behind it. Pure
// functions.
std::string BashCompletion(const CLI::App& app);
std::string ZshCompletion(const CLI::App& app);
std::string FishCompletion(const CLI::App& app);

}  // namespace halflife::tools
