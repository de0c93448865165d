#include "common/killpoint.h"

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <string>

namespace halflife {
namespace {

struct Target {
  std::string name;
  long nth = 1;
};

// Read once: the environment of a process that is to die does not change.
const Target& TargetFromEnvironment() {
  static const Target target = [] {
    Target parsed;
    const char* text = std::getenv("HALFLIFE_KILLPOINT");
    if (text == nullptr) return parsed;
    parsed.name = text;
    if (const size_t colon = parsed.name.find(':'); colon != std::string::npos) {
      parsed.nth = std::strtol(parsed.name.c_str() + colon + 1, nullptr, 10);
      parsed.name.resize(colon);
    }
    return parsed;
  }();
  return target;
}

}  // namespace

void HitKillPoint(std::string_view name) {
  static std::atomic<long> hits{0};
  const Target& target = TargetFromEnvironment();
  if (target.name.empty() || target.name != name) return;
  if (hits.fetch_add(1) + 1 == target.nth) std::raise(SIGKILL);
}

}  // namespace halflife
