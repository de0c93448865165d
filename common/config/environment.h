#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace halflife {

// The only code that reads the process environment.

// nullopt if it is not set.
std::optional<std::string> EnvironmentVariable(const std::string& name);

// Name and value of every variable whose name begins with `prefix`, sorted by name.
std::vector<std::pair<std::string, std::string>> EnvironmentWithPrefix(const std::string& prefix);

}  // namespace halflife
