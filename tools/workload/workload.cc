#include "tools/workload/workload.h"

#include <algorithm>
#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace halflife::tools {

const std::vector<std::string>& WorkloadNames() {
  static const std::vector<std::string> names = {"chat", "api", "agent"};
  return names;
}

absl::StatusOr<std::unique_ptr<RequestSource>> MakeWorkload(const std::string& name,
                                                            const WorkloadOptions& options) {
  if (options.requests == 0) return absl::InvalidArgumentError("requests: must be at least 1");
  if (options.block_tokens == 0) {
    return absl::InvalidArgumentError("block-tokens: must be at least 1");
  }
  if (!(options.rate >= 0) || std::isinf(options.rate)) {
    return absl::InvalidArgumentError("rate: must be a positive number, or 0 for the profile's");
  }
  if (name == "chat") return MakeSessionWorkload(ChatProfile(), options);
  if (name == "agent") return MakeSessionWorkload(AgentProfile(), options);
  if (name == "api") return MakeTemplateWorkload(ApiProfile(), options);
  return absl::InvalidArgumentError(absl::StrCat("profile '", name, "' is not known; there are ",
                                                 absl::StrJoin(WorkloadNames(), ", ")));
}

}  // namespace halflife::tools
