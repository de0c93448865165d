#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/cli/app.h"

namespace halflife::tools {

struct Ran {
  int exit_code;
  std::string out, err;
};

// The command line in this process.
inline Ran RunHalflife(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "halflife");
  std::vector<const char*> argv;
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const int code = RunCommandLine(static_cast<int>(argv.size()), argv.data());
  const std::string out = testing::internal::GetCapturedStdout();
  return {code, out, testing::internal::GetCapturedStderr()};
}

}  // namespace halflife::tools
