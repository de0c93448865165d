#include "tools/simulate/policy_registry.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "common/status.h"
#include "common/strings.h"
#include "tools/simulate/policies/baselines.h"
#include "tools/simulate/residency_cache.h"

namespace halflife::tools {
namespace {

template <auto Make>
std::unique_ptr<SimulatedCache> Made(const CacheSetup& setup) {
  return Make(setup);
}

constexpr SimulatedPolicy kPolicies[] = {
    {"model", "the daemon's reuse model", true, MakeModelCache},
    {"model-alone", "the same without its guard, which follows recency where that hits more", true,
     MakeModelWithoutDuelCache},
    {"wa", "the daemon's form of arXiv 2506.02634", true, MakeWaCache},
    {"lru-daemon", "the daemon's recency order", true, MakeRecencyCache},
    {"lru", "least recently used", false, Made<MakeLruCache>},
    {"fifo", "first in, first out", false, Made<MakeFifoCache>},
    {"lfu", "least frequently used while held", false, Made<MakeLfuCache>},
    {"gdfs", "greedy dual with frequency and cost", false, Made<MakeGdfsCache>},
    {"sieve", "SIEVE (NSDI 2024)", false, Made<MakeSieveCache>},
    {"s3-fifo", "three static FIFO queues (SOSP 2023)", false, Made<MakeS3FifoCache>},
    {"arc", "adaptive replacement (FAST 2003)", false, Made<MakeArcCache>},
    {"lirs", "low inter-reference recency set (SIGMETRICS 2002)", false, Made<MakeLirsCache>},
    {"w-tinylfu", "windowed TinyLFU (ToS 2017)", false, Made<MakeWTinyLfuCache>},
    {"lhd", "least hit density (NSDI 2018)", false, Made<MakeLhdCache>},
    {"optimum", "offline optimum for prefix chains (Belady)", false, Made<MakeOptimalCache>},
    {"infinite", "keeps everything: the ceiling", false, Made<MakeInfiniteCache>},
};

}  // namespace

absl::Span<const SimulatedPolicy> SimulatedPolicies() { return kPolicies; }

absl::StatusOr<const SimulatedPolicy*> FindPolicy(std::string_view name) {
  for (const SimulatedPolicy& policy : kPolicies) {
    if (name == policy.name) return &policy;
  }
  return absl::InvalidArgumentError(
      StrCat("policy '", name, "' is not known; known: ", PolicyNames()));
}

absl::StatusOr<std::vector<const SimulatedPolicy*>> ParsePolicies(std::string_view list) {
  std::vector<const SimulatedPolicy*> policies;
  if (list == "all") {
    for (const SimulatedPolicy& policy : kPolicies) policies.push_back(&policy);
    return policies;
  }
  for (absl::string_view item : absl::StrSplit(ToAbsl(list), ',')) {
    HL_ASSIGN_OR_RETURN(const SimulatedPolicy* policy,
                        FindPolicy(ToStd(absl::StripAsciiWhitespace(item))));
    if (std::find(policies.begin(), policies.end(), policy) == policies.end()) {
      policies.push_back(policy);
    }
  }
  return policies;
}

std::string PolicyNames() {
  return absl::StrJoin(kPolicies, ", ", [](std::string* out, const SimulatedPolicy& policy) {
    out->append(policy.name);
  });
}

}  // namespace halflife::tools
