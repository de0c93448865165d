#include "common/config/environment.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace halflife {

std::optional<std::string> EnvironmentVariable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::vector<std::pair<std::string, std::string>> EnvironmentWithPrefix(const std::string& prefix) {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || line.substr(0, prefix.size()) != prefix) continue;
    found.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace halflife
