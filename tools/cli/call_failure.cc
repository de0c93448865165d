#include "tools/cli/call_failure.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/admin/daemon_connection.h"
#include "tools/cli/context.h"

namespace halflife::tools {
namespace {

constexpr absl::Duration kHealthDeadline = absl::Seconds(1);

absl::Status WhyUnavailable(const std::string& endpoint, client::Outcome outcome) {
  DaemonConnection daemon(endpoint, kHealthDeadline);
  const auto health = daemon.Check("readiness");
  if (!health.ok()) return absl::UnavailableError(health.status().message());
  if (*health == DaemonConnection::Health::kNotServing) {
    return absl::UnavailableError("not ready: it is starting or draining");
  }
  return absl::UnavailableError(outcome == client::Outcome::kTimeout
                                    ? "no answer in time, though it is ready: see --timeout"
                                    : "refused the call, though it is ready: it is too busy");
}

}  // namespace

int FailCall(const std::string& endpoint, client::Outcome outcome, const std::string& error) {
  switch (outcome) {
    case client::Outcome::kOk:
      return kExitOk;
    case client::Outcome::kMiss:
      return kExitNotThere;
    case client::Outcome::kTimeout:
    case client::Outcome::kUnavailable:
      return FailDaemon(endpoint, WhyUnavailable(endpoint, outcome));
    case client::Outcome::kInvalid:
      return FailUsage(error.empty() ? "the daemon says that an argument is wrong" : error);
    case client::Outcome::kRefused:
      break;
  }
  return FailDaemon(endpoint, absl::ResourceExhaustedError("no room"));
}

}  // namespace halflife::tools
