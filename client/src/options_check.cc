#include "client/src/options_check.h"

#include <sys/un.h>

#include <string_view>

#include "common/status.h"
#include "common/strings.h"
#include "proto/wire/limit_check.h"
#include "proto/wire/shm_handshake.h"

namespace halflife::client {
namespace {

// Above this a call is not on the path of an inference any more.
constexpr int64_t kMaxBudgetUs = 600'000'000;

absl::Status CheckEndpoint(std::string_view endpoint) {
  constexpr std::string_view kUnixPrefix = "unix:";
  if (endpoint.empty()) return absl::InvalidArgumentError("endpoint is empty");
  if (endpoint.substr(0, kUnixPrefix.size()) != kUnixPrefix) {
    if (endpoint.find(':') != std::string_view::npos) return absl::OkStatus();
    return absl::InvalidArgumentError(
        StrCat("endpoint is ", endpoint, ", expected unix:///path or host:port"));
  }
  std::string_view path = endpoint.substr(kUnixPrefix.size());
  if (path.substr(0, 2) == "//") path.remove_prefix(2);
  if (path.empty() || path[0] != '/') {
    return absl::InvalidArgumentError(
        StrCat("endpoint is ", endpoint, ", expected an absolute path"));
  }
  return CheckAtMost("bytes of the socket path", path.size(), sizeof(sockaddr_un::sun_path) - 1);
}

absl::Status CheckBudget(std::string_view name, std::chrono::microseconds budget) {
  if (budget.count() >= 1 && budget.count() <= kMaxBudgetUs) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(name, " is ", budget.count(), " us, expected 1 to ", kMaxBudgetUs));
}

}  // namespace

absl::Status CheckOptions(const Options& options) {
  HL_RETURN_IF_ERROR(CheckEndpoint(options.endpoint));
  HL_RETURN_IF_ERROR(CheckBudget("lookup_budget", options.lookup_budget));
  HL_RETURN_IF_ERROR(CheckBudget("get_budget", options.get_budget));
  HL_RETURN_IF_ERROR(CheckBudget("put_budget", options.put_budget));
  if (options.get_budget_per_mib.count() < 0 || options.get_budget_per_mib.count() > kMaxBudgetUs) {
    return absl::InvalidArgumentError("get_budget_per_mib is out of its bounds");
  }
  if (options.breaker_failures < 1) {
    return absl::InvalidArgumentError("breaker_failures is below 1");
  }
  if (options.breaker_open.count() < 1 || options.breaker_open_max < options.breaker_open) {
    return absl::InvalidArgumentError("breaker_open is below 1 ms or above breaker_open_max");
  }
  if (options.connections < 1 || options.connections > 64) {
    return absl::InvalidArgumentError(
        StrCat("connections is ", options.connections, ", expected 1 to 64"));
  }
  if (options.copy_threads < 1 || options.copy_threads > 16) {
    return absl::InvalidArgumentError(
        StrCat("copy_threads is ", options.copy_threads, ", expected 1 to 16"));
  }
  HL_RETURN_IF_ERROR(CheckAtMost("staging_bytes", options.staging_bytes, kMaxStagingBytes));
  if (options.max_calls < 1) return absl::InvalidArgumentError("max_calls is below 1");
  return absl::OkStatus();
}

}  // namespace halflife::client
