#pragma once

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

namespace halflife::bench {

// "RssAnon" and such of /proc/PROCESS/status, in bytes; of a process id, or "self".
inline uint64_t StatusBytes(const std::string& process, const std::string& field) {
  std::ifstream status("/proc/" + process + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind(field + ":", 0) == 0) {
      return std::strtoull(line.c_str() + field.size() + 1, nullptr, 10) << 10;
    }
  }
  return 0;
}

}  // namespace halflife::bench
