#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tools/trace/request.h"
#include "tools/workload/profile.h"

namespace halflife::tools {

struct WorkloadOptions {
  uint64_t requests = 4000;  // then the source ends
  uint64_t seed = 1;         // same seed, same requests, on every machine
  uint32_t block_tokens = 512;
  double rate = 0;  // sessions/s (chat, agent) or requests/s (api); 0 = the profile's
};

const std::vector<std::string>& WorkloadNames();

// A synthetic trace: "chat", "agent" or "api" (profiles.cc). Bounded memory: sessions that are
// under way. Returns: kInvalidArgument for another name, no requests, a block of 0 tokens or a
// negative rate.
absl::StatusOr<std::unique_ptr<RequestSource>> MakeWorkload(const std::string& name,
                                                            const WorkloadOptions& options);

std::unique_ptr<RequestSource> MakeSessionWorkload(SessionProfile profile,
                                                   const WorkloadOptions& options);
std::unique_ptr<RequestSource> MakeTemplateWorkload(TemplateProfile profile,
                                                    const WorkloadOptions& options);

}  // namespace halflife::tools
