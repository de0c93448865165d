#pragma once

#include <memory>

#include "CLI/CLI.hpp"
#include "tools/cli/context.h"

namespace halflife::tools {

// The whole command tree, bound to `context`, which outlives it.
std::unique_ptr<CLI::App> MakeApp(Context& context);

// Parses and runs. Returns: an ExitCode. No exception leaves it.
int RunCommandLine(int argc, const char* const* argv);

}  // namespace halflife::tools
